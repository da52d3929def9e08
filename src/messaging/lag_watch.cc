#include "messaging/lag_watch.h"

#include <utility>

namespace thaw::messaging {
namespace {

constexpr Duration kAnswerWithin = seconds(5);

}  // namespace

GroupFacts group_facts(const RedisReply& groups, const std::string& group) {
  for (const RedisReply& row : groups.items) {
    GroupFacts facts;
    facts.counts.lag = -1;
    for (size_t i = 0; i + 1 < row.items.size(); i += 2) {
      const std::string& name = row.items[i].text;
      const RedisReply& value = row.items[i + 1];
      if (name == "name" && value.text == group) facts.known = true;
      if (name == "pending") facts.counts.pending = value.integer;
      if (name == "last-delivered-id") facts.last_delivered = value.text;
      if (name == "lag" && value.kind == RedisReply::Kind::kInteger) {
        facts.counts.lag = value.integer;
      }
    }
    if (facts.known) return facts;
  }
  return {};
}

LagWatch::LagWatch(io::Net& net, io::Loop& loop, RedisPlace place, std::string stream,
                   std::string group,
                   std::function<Result<std::string>(const RedisPlace&)> password,
                   std::function<void(const Result<StreamLag>&)> on_reading)
    : net_(net),
      loop_(loop),
      place_(std::move(place)),
      stream_(std::move(stream)),
      group_(std::move(group)),
      password_(std::move(password)),
      on_reading_(std::move(on_reading)) {
  timer_ = loop_.after(Duration::zero(), [this] { ask(); });
}

void LagWatch::ask() {
  if (connection_ == nullptr || broken_) {
    auto password = password_(place_);
    if (!password) return report(std::move(password).error());
    broken_ = false;
    connection_ = std::make_unique<RedisConnection>(
        net_, loop_, RedisLogin{place_.address, place_.database, place_.user, *std::move(password)},
        [this](const Error&) { broken_ = true; });
  }
  connection_->send({"XINFO", "GROUPS", stream_}, kAnswerWithin,
                    [this](const Result<RedisReply>& reply) {
                      if (!reply) return report(reply.error());
                      if (!reply->is_error()) return take(*reply);
                      if (reply->text.find("no such key") != std::string::npos) {
                        return report(StreamLag{});
                      }
                      report(Error(Code::kFailedPrecondition, "XINFO GROUPS: " + reply->text));
                    });
}

void LagWatch::take(const RedisReply& groups) {
  const GroupFacts facts = group_facts(groups, group_);
  if (!facts.known) return count({"XLEN", stream_}, 0);
  if (facts.counts.lag >= 0) return report(facts.counts);
  count({"XRANGE", stream_, "(" + facts.last_delivered, "+", "COUNT", std::to_string(kMostCounted)},
        facts.counts.pending);
}

void LagWatch::count(RedisConnection::Words words, int64_t pending) {
  connection_->send(std::move(words), kAnswerWithin, [this, pending](const auto& reply) {
    if (!reply) return report(reply.error());
    if (reply->is_error()) return report(Error(Code::kFailedPrecondition, reply->text));
    const auto many = static_cast<int64_t>(reply->items.size());
    report(StreamLag{reply->is_array() ? many : reply->integer, pending});
  });
}

void LagWatch::report(const Result<StreamLag>& reading) {
  timer_ = loop_.after(kPeriod, [this] { ask(); });
  on_reading_(reading);
}

}  // namespace thaw::messaging
