#include "telemetry/span_exporter.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/log.h"

namespace thaw::telemetry {
namespace {

/// In seconds; the form with a date is left to the usual wait.
std::optional<Duration> retry_after(const http::Response& answer) {
  const std::string_view text = answer.headers.get("retry-after");
  int whole = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (fault != std::errc() || end != text.data() + text.size() || whole < 0) return std::nullopt;
  return seconds(whole);
}

}  // namespace

struct SpanExporter::Parcel {
  RequestBatch batch;
  SpanMessage message;
};

SpanExporter::SpanExporter(io::Net& net, io::Loop& loop, io::Worker& worker, io::Entropy& entropy,
                           Options options)
    : loop_(loop),
      worker_(worker),
      entropy_(entropy),
      options_(std::move(options)),
      client_(net, loop, {.max_body = mib(1)}),
      policy_(options_.policy) {}

SpanExporter::~SpanExporter() = default;

void SpanExporter::add(const RequestRecord& record) {
  if (!record.sampled) return;
  if (!filling_.add(record, options_.batch)) {
    if (full_.size() + 1 >= options_.batches) {
      ++counts_.dropped;
      return;
    }
    full_.push_back(std::exchange(filling_, std::exchange(spare_, {})));
    filling_.add(record, options_.batch);
  }
  if (policy_.idle()) {
    const bool is_full = !full_.empty() || filling_.size() >= options_.batch.records;
    carry_out(policy_.on_waiting(loop_.now(), is_full));
  }
}

void SpanExporter::carry_out(ExportPolicy::Do what) {
  if (what == ExportPolicy::Do::kSend) {
    if (parcel_ == nullptr) {
      make();
    } else {
      send();
    }
  }
  plan();
}

void SpanExporter::make() {
  parcel_ = std::make_shared<Parcel>();
  if (full_.empty()) {
    std::swap(parcel_->batch, filling_);
  } else {
    parcel_->batch = std::move(full_.front());
    full_.pop_front();
  }
  const Status status = worker_.run(
      [parcel = parcel_, resource = options_.resource] {
        parcel->message = make_span_message(parcel->batch, resource);
      },
      [this] { send(); });
  if (!status) {
    counts_.dropped += parcel_->batch.size();
    give_up_ = loop_.after(Duration::zero(), [this] {
      policy_.on_answer(loop_.now(), 400, std::nullopt, 0);
      parcel_done();
    });
  }
}

void SpanExporter::send() {
  http::Request request{.method = "POST", .target = options_.target, .headers = options_.headers};
  request.host = options_.host;
  request.headers.set("content-type", "application/x-protobuf");
  request.body = parcel_->message.bytes;
  call_ = client_.fetch(options_.to, std::move(request), options_.timeout,
                        [this](Result<http::Response> answer) { on_answer(std::move(answer)); });
}

void SpanExporter::on_answer(Result<http::Response> answer) {
  const size_t spans = parcel_->message.spans;
  const int status = answer ? answer->status : 0;
  const double jitter = static_cast<double>(entropy_.next() >> 11) * 0x1p-53;
  const auto next =
      policy_.on_answer(loop_.now(), status, answer ? retry_after(*answer) : std::nullopt, jitter);
  if (!policy_.idle()) return plan();
  if (next == ExportPolicy::Do::kGiveUp) {
    counts_.rejected += spans;
    if (!std::exchange(told_, true)) {
      log_warning("spans are given up: the collector does not take them",
                  {{"collector", options_.to.str()},
                   {"status", status},
                   {"why", answer ? "" : answer.error().message()}});
    }
  } else {
    told_ = false;
    const uint64_t rejected = std::min<uint64_t>(rejected_spans(answer->body), spans);
    counts_.rejected += rejected;
    counts_.exported += spans - rejected;
  }
  parcel_done();
}

void SpanExporter::parcel_done() {
  parcel_->batch.clear();
  spare_ = std::move(parcel_->batch);
  parcel_.reset();
  if (!full_.empty() || !filling_.empty()) {
    return carry_out(policy_.on_waiting(loop_.now(), !full_.empty()));
  }
  plan();
}

void SpanExporter::plan() {
  const Instant wanted = policy_.wake_at();
  if (wanted == armed_) return;
  armed_ = wanted;
  timer_.cancel();
  if (wanted == Instant::max()) return;
  timer_ = loop_.at(wanted, [this] {
    armed_ = Instant::max();
    carry_out(policy_.on_time(loop_.now()));
  });
}

}  // namespace thaw::telemetry
