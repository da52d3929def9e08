#include "messaging/stream_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "messaging/stream_envelope.h"

namespace thaw::messaging {
namespace {

constexpr Duration kAnswerWithin = seconds(10);
constexpr int kBlockMs = 2000;  // one XREADGROUP waits so long
constexpr Duration kLongestPause = seconds(1);
constexpr size_t kLongestReason = 1000;

/// Once however often it is repeated: only who acknowledges writes.
constexpr std::string_view kBuryScript =
    "if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 1 then "
    "redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3)) end return 1";

}  // namespace

StreamSource::StreamSource(Parts& parts, SourceConfig config, std::string consumer)
    : parts_(parts),
      config_(std::move(config)),
      consumer_(std::move(consumer)),
      core_(core_options(config_)) {
  retry_ = parts_.loop.after(Duration::zero(), [this] { connect(); });
}

StreamSource::~StreamSource() = default;

SourceStatus StreamSource::status() const {
  return {.state = reading_ ? SourceStatus::State::kReading : SourceStatus::State::kConnecting,
          .trouble = trouble_,
          .counts = core_.counts(),
          .held = core_.held(),
          .in_flight = core_.in_flight()};
}

// ---- the connection ----

void StreamSource::connect() {
  old_.clear();
  auto password = parts_.password(config_.redis);
  if (!password) return lost(password.error());
  const RedisLogin login{config_.redis.address, config_.redis.database, config_.redis.user,
                         *std::move(password)};
  const auto on_end = [this](const Error& error) { lost(error); };
  reader_ = std::make_unique<RedisConnection>(parts_.net, parts_.loop, login, on_end);
  writer_ = std::make_unique<RedisConnection>(parts_.net, parts_.loop, login, on_end);
  make_group();
}

void StreamSource::make_group() {
  reader_->send({"XGROUP", "CREATE", config_.stream, config_.group, "0", "MKSTREAM"}, kAnswerWithin,
                [this](const Result<RedisReply>& reply) {
                  if (!reply) return;  // lost() was or will be told
                  const bool exists = reply->is_error() && reply->text.starts_with("BUSYGROUP");
                  if (reply->is_error() && !exists) {
                    return lost(Error(Code::kFailedPrecondition,
                                      fmt::format("stream '{}', group '{}': {}", config_.stream,
                                                  config_.group, reply->text)));
                  }
                  failures_ = 0;
                  reading_ = true;
                  trouble("");
                  send(source_event::Connected{});
                });
}

void StreamSource::lost(const Error& error) {
  // Dropped by connect(): this may be inside a callback of either.
  if (reader_ != nullptr) old_.push_back(std::move(reader_));
  if (writer_ != nullptr) old_.push_back(std::move(writer_));
  const Duration pause =
      std::min<Duration>(milliseconds(50) * (1 << std::min(failures_, 6)), kLongestPause);
  ++failures_;
  retry_ = parts_.loop.after(pause, [this] { connect(); });
  if (std::exchange(reading_, false)) send(source_event::Disconnected{});
  trouble(error.message());
}

/// Said when it changes.
void StreamSource::trouble(std::string text) {
  if (text == trouble_) return;
  if (!text.empty()) {
    parts_.tell(config_, fmt::format("Source {} does not read: {}", config_.name, text));
  } else if (!trouble_.empty()) {
    parts_.tell(config_, fmt::format("Source {} reads again.", config_.name));
  }
  trouble_ = std::move(text);
}

/// An answer that is none. An error reply means that the group or stream is gone: begin anew.
bool StreamSource::broken(const Result<RedisReply>& reply, std::string_view command) {
  if (!reply) return true;
  if (!reply->is_error()) return false;
  lost(Error(Code::kFailedPrecondition, fmt::format("{}: {}", command, reply->text)));
  return true;
}

// ---- what the core wants ----

void StreamSource::send(const SourceEvent& event) {
  const std::vector<SourceAction> actions = core_.on_event(parts_.loop.now(), event);
  for (const SourceAction& action : actions) {
    std::visit([this](const auto& a) { act(a); }, action);
  }
  if (core_.wake_at() == Instant::max()) {
    wake_.cancel();
  } else {
    wake_ = parts_.loop.at(core_.wake_at(), [this] { send(source_event::Wake{}); });
  }
}

void StreamSource::act(const source_action::ReadNew& action) {
  if (reader_ == nullptr) return;
  reader_->send(
      {"XREADGROUP", "GROUP", config_.group, consumer_, "COUNT", std::to_string(action.count),
       "BLOCK", std::to_string(kBlockMs), "STREAMS", config_.stream, ">"},
      kAnswerWithin, [this](const Result<RedisReply>& reply) {
        if (broken(reply, "XREADGROUP")) return;
        source_event::Read read;
        if (reply->is_array() && !reply->items.empty() && reply->items[0].items.size() == 2) {
          read.entries = entries_of(reply->items[0].items[1]);
        }
        send(std::move(read));
      });
}

void StreamSource::act(const source_action::ReadOwn& action) {
  if (reader_ == nullptr) return;
  const auto count = static_cast<size_t>(action.count);
  reader_->send(
      {"XREADGROUP", "GROUP", config_.group, consumer_, "COUNT", std::to_string(action.count),
       "STREAMS", config_.stream, action.after.str()},
      kAnswerWithin, [this, count](const Result<RedisReply>& reply) {
        if (broken(reply, "XREADGROUP")) return;
        std::vector<StreamEntry> entries;
        size_t found = 0;
        if (reply->is_array() && !reply->items.empty() && reply->items[0].items.size() == 2) {
          found = reply->items[0].items[1].items.size();
          entries = entries_of(reply->items[0].items[1]);
        }
        // All of a full answer may have been deleted ones: those are gone when asked again.
        recovered(std::move(entries), found >= count ? source_event::Recovered::More::kYes
                                                     : source_event::Recovered::More::kEnd);
      });
}

void StreamSource::act(const source_action::Claim& action) {
  if (writer_ == nullptr) return;
  const auto idle =
      std::chrono::duration_cast<std::chrono::milliseconds>(config_.claim_after).count();
  writer_->send({"XAUTOCLAIM", config_.stream, config_.group, consumer_, std::to_string(idle),
                 claim_cursor_, "COUNT", std::to_string(action.count)},
                kAnswerWithin, [this](const Result<RedisReply>& reply) {
                  if (broken(reply, "XAUTOCLAIM")) return;
                  if (reply->items.size() < 2) {
                    return lost(Error(Code::kUnavailable, "XAUTOCLAIM: not understood"));
                  }
                  claim_cursor_ = reply->items[0].text;
                  recovered(entries_of(reply->items[1]), claim_cursor_ == "0-0"
                                                             ? source_event::Recovered::More::kEnd
                                                             : source_event::Recovered::More::kYes);
                });
}

/// Asks how often each was delivered. A first read counts 1 and our taking it back one more.
void StreamSource::recovered(std::vector<StreamEntry> entries, source_event::Recovered::More more) {
  if (entries.empty() || writer_ == nullptr) return send(source_event::Recovered{{}, more});
  const auto [first, last] = std::minmax_element(
      entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  RedisConnection::Words words{"XPENDING",     config_.stream, config_.group, first->id.str(),
                               last->id.str(), "10000",        consumer_};
  writer_->send(
      std::move(words), kAnswerWithin,
      [this, more, entries = std::move(entries)](const Result<RedisReply>& reply) mutable {
        if (broken(reply, "XPENDING")) return;
        std::map<std::string, int64_t> counts;
        for (const RedisReply& row : reply->items) {
          if (row.items.size() == 4) counts[row.items[0].text] = row.items[3].integer;
        }
        for (StreamEntry& entry : entries) {
          const int64_t begun = counts[entry.id.str()] - 2;
          entry.attempts = static_cast<int>(std::clamp<int64_t>(begun, 0, 1'000'000));
        }
        send(source_event::Recovered{std::move(entries), more});
      });
}

std::vector<StreamEntry> StreamSource::entries_of(const RedisReply& list) {
  std::vector<StreamEntry> entries;
  std::vector<std::string> deleted;
  for (const RedisReply& item : list.items) {
    if (item.items.size() != 2) continue;
    const auto id = EntryId::parse(item.items[0].text);
    if (!id) continue;
    if (!item.items[1].is_array()) {
      deleted.push_back(item.items[0].text);
      continue;
    }
    StreamEntry entry{.id = *id};
    const std::vector<RedisReply>& words = item.items[1].items;
    for (size_t i = 0; i + 1 < words.size(); i += 2) {
      if (words[i].text == config_.ordering_field) entry.key = words[i + 1].text;
      entry.fields.emplace_back(words[i].text, words[i + 1].text);
    }
    entries.push_back(std::move(entry));
  }
  if (!deleted.empty() && writer_ != nullptr) {
    RedisConnection::Words words{"XACK", config_.stream, config_.group};
    words.insert(words.end(), deleted.begin(), deleted.end());
    writer_->send(std::move(words), kAnswerWithin, [](const Result<RedisReply>&) {});
    parts_.tell(config_, fmt::format("{} entries were deleted from stream {} before they were done",
                                     deleted.size(), config_.stream));
  }
  return entries;
}

void StreamSource::act(const source_action::Deliver& action) {
  const uint64_t delivery = action.delivery;
  errands_[delivery] = parts_.courier.deliver(
      config_.service, envelope_of(config_, action.entries, action.attempt), config_.timeout,
      [this, delivery](const Courier::Outcome& outcome) {
        // The errand ends with its callback.
        const auto errand = errands_.extract(delivery);
        switch (outcome.kind) {
          case Courier::Outcome::Kind::kDone:
            return send(source_event::Delivered{delivery});
          case Courier::Outcome::Kind::kFailed:
            return send(source_event::DeliveryFailed{delivery, outcome.reason});
          case Courier::Outcome::Kind::kNotReached:
            return send(source_event::NotReached{delivery, outcome.reason});
        }
      });
}

void StreamSource::act(const source_action::Acknowledge& action) {
  if (writer_ == nullptr) return;
  RedisConnection::Words words{"XACK", config_.stream, config_.group};
  for (const EntryId id : action.ids) words.push_back(id.str());
  writer_->send(std::move(words), kAnswerWithin,
                [this, ids = action.ids](const Result<RedisReply>& reply) {
                  if (!reply) return;  // Disconnected says so
                  if (reply->is_error()) {
                    trouble("XACK: " + reply->text);
                    return send(source_event::NotSettled{ids});
                  }
                  send(source_event::Settled{ids});
                });
}

void StreamSource::act(const source_action::Bury& action) {
  if (writer_ == nullptr) return;
  const EntryId id = action.entry->id;
  const std::string reason = action.reason.substr(0, kLongestReason);
  RedisConnection::Words words{"EVAL",         std::string(kBuryScript),   "2",
                               config_.stream, config_.dead_letter_stream, config_.group,
                               id.str()};
  for (const auto& [name, value] : action.entry->fields) {
    words.push_back(name);
    words.push_back(value);
  }
  words.insert(words.end(),
               {"thaw-reason", reason, "thaw-attempts", std::to_string(action.attempts),
                "thaw-stream", config_.stream, "thaw-id", id.str()});
  parts_.tell(config_, fmt::format("Source {} gives entry {} up after {} attempts, into stream {}: "
                                   "{}",
                                   config_.name, id.str(), action.attempts,
                                   config_.dead_letter_stream, reason));
  writer_->send(std::move(words), kAnswerWithin, [this, id](const Result<RedisReply>& reply) {
    if (!reply) return;
    if (reply->is_error()) {
      trouble("dead-letter stream: " + reply->text);
      return send(source_event::NotSettled{{id}});
    }
    send(source_event::Settled{{id}});
  });
}

void StreamSource::act(const source_action::Hold& action) {
  if (writer_ == nullptr) return;
  writer_->send({"XCLAIM", config_.stream, config_.group, consumer_, "0", action.id.str(), "IDLE",
                 "0", "RETRYCOUNT", std::to_string(action.attempts + 1), "JUSTID"},
                kAnswerWithin, [](const Result<RedisReply>&) {});
}

void StreamSource::act(const source_action::Tell& action) {
  parts_.tell(config_, fmt::format("Source {}: {}", config_.name, action.message));
}

}  // namespace thaw::messaging
