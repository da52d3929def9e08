#include "telemetry/otlp_spans.h"

#include <array>
#include <utility>

#include "base/utf8.h"
#include "rpc/wire.h"

namespace thaw::telemetry {
namespace {

/// A message within the one that is being written, with what `write` writes.
template <class Write>
void message(rpc::WireWriter& out, uint32_t field, Write write) {
  const auto mark = out.begin(field);
  write();
  out.end(mark);
}

/// Text of protobuf is UTF-8: what came with other bytes goes out with question marks.
void text(rpc::WireWriter& out, uint32_t field, std::string_view value) {
  if (is_utf8(value)) return out.bytes(field, value);
  std::string replaced(value);
  for (char& c : replaced) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  out.bytes(field, replaced);
}

void text_attribute(rpc::WireWriter& out, uint32_t field, std::string_view key,
                    std::string_view value) {
  if (value.empty()) return;
  message(out, field, [&] {
    out.bytes(1, key);
    message(out, 2, [&] { text(out, 1, value); });
  });
}

void number_attribute(rpc::WireWriter& out, uint32_t field, std::string_view key, int64_t value) {
  if (value == 0) return;
  message(out, field, [&] {
    out.bytes(1, key);
    message(out, 2, [&] { out.number(3, value); });
  });
}

// ---- Spans --------------------------------------------------------------------------------------

constexpr uint32_t kAttributes = 9;
enum class Kind : int64_t { kInternal = 1, kServer = 2, kClient = 3 };

using TraceId = std::array<char, 16>;
using SpanId = std::array<char, 8>;

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

TraceId trace_id_of(std::string_view hex) {
  TraceId id{};
  for (size_t i = 0; i < id.size() && 2 * i + 1 < hex.size(); ++i) {
    id[i] = static_cast<char>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  }
  return id;
}

SpanId span_id_of(uint64_t value) {
  SpanId id;
  for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<char>(value >> (56 - 8 * i));
  return id;
}

/// The id of a span below the gateway's: SplitMix64's step from it, never 0.
uint64_t child_of(uint64_t span, uint64_t number) {
  uint64_t z = span + number * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return z == 0 ? 1 : z;
}

struct Span {
  std::string_view name;
  Kind kind;
  uint64_t id;
  uint64_t parent;  // 0: none
  Duration from;    // since the request's arrival
  Duration to;
};

class Spans {
 public:
  Spans(rpc::WireWriter& out, const RequestRecord& record)
      : out_(out), record_(record), trace_(trace_id_of(record.trace_id)) {}

  size_t write() {
    write(Span{"gateway", Kind::kServer, record_.span, record_.parent_span, {}, record_.latency},
          [this] { request_attributes(); });
    const Duration queue_end = record_.placed.value_or(record_.latency);
    if (record_.queued > Duration::zero()) {
      write(child("queue", Kind::kInternal, 1, queue_end - record_.queued, queue_end), [] {});
    }
    if (!record_.placed) return count_;
    if (!record_.woken_from.empty()) wake(queue_end);
    write(child("instance", Kind::kClient, 3, *record_.placed, record_.latency),
          [this] { text_attribute(out_, kAttributes, "faas.instance", record_.instance); });
    return count_;
  }

 private:
  /// A start is over when the request has its place; who was frozen or hibernated is awake when it
  /// answers.
  void wake(Duration queue_end) {
    const bool started = record_.queued > Duration::zero();
    const Duration from = started ? queue_end - record_.queued : *record_.placed;
    const Duration to = started ? queue_end : record_.answered.value_or(record_.latency);
    write(child("wake", Kind::kInternal, 2, from, to), [this] {
      text_attribute(out_, kAttributes, "thaw.rung", record_.woken_from);
      text_attribute(out_, kAttributes, "faas.instance", record_.instance);
    });
  }

  Span child(std::string_view name, Kind kind, uint64_t number, Duration from, Duration to) const {
    return {name, kind, child_of(record_.span, number), record_.span, from, to};
  }

  template <class Attributes>
  void write(const Span& span, Attributes attributes) {
    ++count_;
    message(out_, 2, [&] {
      out_.bytes(1, {trace_.data(), trace_.size()});
      const SpanId id = span_id_of(span.id);
      out_.bytes(2, {id.data(), id.size()});
      if (span.parent != 0) {
        const SpanId parent = span_id_of(span.parent);
        out_.bytes(4, {parent.data(), parent.size()});
      }
      out_.bytes(5, span.name);
      out_.number(6, static_cast<int64_t>(span.kind));
      out_.fixed(7, nanos(span.from));
      out_.fixed(8, nanos(span.to));
      attributes();
      const bool failed = record_.status >= 500 && span.kind != Kind::kInternal;
      if (failed) message(out_, 15, [this] { out_.number(3, 2); });
    });
  }

  uint64_t nanos(Duration since_arrival) const {
    return static_cast<uint64_t>((record_.time + since_arrival).time_since_epoch().count());
  }

  void request_attributes() {
    const auto say = [this](std::string_view key, std::string_view value) {
      text_attribute(out_, kAttributes, key, value);
    };
    say("http.request.method", record_.method);
    say("url.scheme", record_.scheme);
    say("url.path", record_.target.substr(0, record_.target.find('?')));
    say("server.address", record_.host.substr(0, record_.host.find(':')));
    say("client.address", record_.remote_ip);
    say("user_agent.original", record_.user_agent);
    say("network.protocol.name", "http");
    const size_t slash = record_.protocol.find('/');
    if (slash != std::string_view::npos) {
      say("network.protocol.version", record_.protocol.substr(slash + 1));
    }
    say("faas.name", record_.service);
    say("faas.version", record_.revision);
    say("faas.instance", record_.instance);
    number_attribute(out_, kAttributes, "http.response.status_code", record_.status);
    number_attribute(out_, kAttributes, "http.request.size",
                     static_cast<int64_t>(record_.request_size));
    number_attribute(out_, kAttributes, "http.response.size",
                     static_cast<int64_t>(record_.response_size));
  }

  rpc::WireWriter& out_;
  const RequestRecord& record_;
  TraceId trace_;
  size_t count_ = 0;
};

}  // namespace

SpanMessage make_span_message(const RequestBatch& batch, const SpanResource& resource) {
  rpc::WireWriter out;
  SpanMessage made;
  message(out, 1, [&] {
    message(out, 1, [&] {
      text_attribute(out, 1, "service.name", resource.name);
      text_attribute(out, 1, "service.version", resource.version);
      text_attribute(out, 1, "telemetry.sdk.name", "thaw");
      text_attribute(out, 1, "telemetry.sdk.language", "cpp");
    });
    message(out, 2, [&] {
      message(out, 1, [&] { out.bytes(1, "thaw.gateway"); });
      batch.for_each(
          [&](const RequestRecord& record) { made.spans += Spans(out, record).write(); });
    });
  });
  made.bytes = std::move(out).take();
  return made;
}

uint64_t rejected_spans(std::string_view response) {
  for (rpc::WireReader outer(response); outer.next();) {
    if (outer.field() != 1) continue;  // partial_success
    for (rpc::WireReader partial(outer.bytes()); partial.next();) {
      if (partial.field() == 1 && partial.number() > 0) {
        return static_cast<uint64_t>(partial.number());
      }
    }
  }
  return 0;
}

}  // namespace thaw::telemetry
