// SpanExporter: sends the spans of sampled requests to an OpenTelemetry collector, by OTLP over
// HTTP with protobuf bodies, off the requests' path.
//
// A request costs a copy into memory; a worker makes the message, the loop sends it. When is
// ExportPolicy's to say.
//
// **Thread**: the loop's. **Owner**: what it is made of outlives it, and the worker ends its jobs
// before. **Limits**: Options::batch records a message, Options::batches of them wait; what comes
// beyond is dropped and counted, as is what the collector refuses or never takes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "http/client.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "io/loop.h"
#include "io/worker.h"
#include "telemetry/export_policy.h"
#include "telemetry/otlp_spans.h"

namespace thaw::telemetry {

class SpanExporter {
 public:
  struct Options {
    io::SocketAddress to;
    std::string host = {};  // for the Host header; "": as `to`
    std::string target = "/v1/traces";
    http::Headers headers;  // may hold a credential: never logged
    SpanResource resource;
    ExportPolicy::Options policy = {};
    RequestBatch::Limits batch = {.records = 512, .text = 1 << 20};
    size_t batches = 4;
    Duration timeout = seconds(10);  // for one answer
  };
  SpanExporter(io::Net& net, io::Loop& loop, io::Worker& worker, io::Entropy& entropy,
               Options options);
  ~SpanExporter();

  /// Of requests that are not sampled nothing is kept.
  void add(const RequestRecord& record);

  struct Counts {
    uint64_t exported = 0;  // spans that the collector took
    uint64_t rejected = 0;  // spans that it refused, or that were given up after tries
    uint64_t dropped = 0;   // requests whose spans found no room here
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Parcel;
  void carry_out(ExportPolicy::Do what);
  void make();
  void send();
  void on_answer(Result<http::Response> answer);
  void parcel_done();
  void plan();

  io::Loop& loop_;
  io::Worker& worker_;
  io::Entropy& entropy_;
  Options options_;
  http::Client client_;
  ExportPolicy policy_;
  RequestBatch filling_;
  std::deque<RequestBatch> full_;
  RequestBatch spare_;              // its memory is used again
  std::shared_ptr<Parcel> parcel_;  // under way; with jobs that may outlive this
  std::unique_ptr<http::Call> call_;
  Counts counts_;
  bool told_ = false;  // that the collector cannot be reached
  Instant armed_ = Instant::max();
  io::Timer timer_;
  io::Timer give_up_;
};

}  // namespace thaw::telemetry
