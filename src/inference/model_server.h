// ModelServer: `thaw serve --model`: encoder models over HTTP, an ordinary container.
//
//   POST /predict               the model's task, as Hugging Face's pipelines read and answer it
//   POST /models/NAME/predict   the same, of several models
//   POST /embed /rerank         as text-embeddings-inference
//   POST /v1/embeddings         as OpenAI's API
//   GET  /v2 ... POST /v2/models/NAME/infer    Open Inference Protocol, version 2; the same as gRPC
//                               (inference.GRPCInferenceService) on the same port, HTTP/2 without
//                               TLS
//   POST /                      a Pub/Sub push whose message is the body of /predict
//   GET  /health /ready /metrics /docs /openapi.json
// It listens at once; requests that come while models load are held, not refused.
// Thread: the loop's; models run on the worker, bodies of over 256 KiB are read by the reader, lest
// the loop wait. Owner: net, loop and both workers outlive it.
// Limits: bodies of 32 MiB (413), gRPC messages too (RESOURCE_EXHAUSTED); BatchQueue's requests
// wait, more are answered 429 with Retry-After: about how long those that wait will take, 1 to 60
// s, and unread when the queue is full for a body of its size, or bodies of 64 MiB together are
// being read. Requests whose caller has gone are given up, between two slices of the work if it has
// begun.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "encoder/model.h"
#include "http/server.h"
#include "inference/batch_queue.h"
#include "inference/work.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/worker.h"
#include "predict/server_stats.h"
#include "rpc/router.h"

namespace thaw::inference {

struct ModelSpec {
  std::string name;
  std::string folder;
  encoder::ModelOptions options;
};

/// A model as routes see it; `model` is null until it is loaded.
struct Served {
  ModelSpec spec;
  std::shared_ptr<const encoder::Model> model;  // work under way keeps it
  /// What the folder says of it, once that was asked for and until it is loaded.
  struct Told {
    encoder::Task task;
    size_t labels;
  };
  mutable std::optional<Told> told = std::nullopt;
};

struct Routed;

class ModelServer {
 public:
  /// `reader` reads large bodies. `since_exec`: how long the process ran already, for the steps of
  /// its start.
  ModelServer(io::Net& net, io::Loop& loop, io::Worker& worker, io::Worker& reader,
              std::vector<ModelSpec> specs, Duration since_exec);

  Result<io::SocketAddress> listen(const io::SocketAddress& address);
  /// Loads the models in order; `done` in a later turn, with the first fault.
  void load(std::function<void(const Status&)> done);
  void drain(std::function<void()> done);

 private:
  /// Who asked, over HTTP or gRPC: gets one answer, unless it is gone before.
  struct Asker {
    std::function<void(http::Response)> answer;
    std::function<void(std::function<void()>)> when_gone;
  };
  struct Refusal {
    std::function<void(http::Response)> tell;
    http::Response answer;
  };
  struct Waiting {
    Work work;
    Asker asker;
    std::string path;
    Instant since;
    std::shared_ptr<Wanted> wanted;
  };
  struct Batch;
  /// Whose a request is, and how much of it waits.
  struct From {
    std::string caller;
    size_t bytes;
  };
  /// A body to be read aside, with what reading it needs; the models as they are now.
  struct Aside;

  void handle(http::Request request, Asker asker);
  void infer(const std::string& model, const std::string& version, std::string message,
             const From& from, Asker asker);
  Routed own_route(const http::Request& request) const;
  void serve_grpc();
  std::optional<http::Response> refusal_unsent(const http::Request& head, uint64_t length);
  void load_next(size_t index, std::function<void(const Status&)> done);
  void take(Routed routed, const From& from, Asker asker, std::shared_ptr<Aside> aside = nullptr);
  void read_aside(std::shared_ptr<Aside> aside, std::string path, const From& from, Asker asker);
  void enqueue(Work work, const From& from, const std::string& path, Asker asker);
  bool is_too_much(const From& from) const;
  void refuse(uint64_t id);
  Refusal refusal(uint64_t id);
  http::Response busy() const;
  void forget(uint64_t id);
  void tell_load(const Served& served);
  void work_on();
  void finish(const std::shared_ptr<Batch>& batch);
  Duration since_exec() const { return loop_.now() - executed_; }

  io::Loop& loop_;
  io::Worker& worker_;
  io::Worker& reader_;
  Instant executed_;
  std::vector<Served> models_;
  BatchQueue queue_;
  std::unordered_map<uint64_t, Waiting> waiting_;
  predict::ServerStats stats_;
  uint64_t last_id_ = 0;
  size_t reading_ = 0;  // bytes of bodies that are read aside
  enum class State { kLoading, kIdle, kWorking } state_ = State::kLoading;
  bool answered_once_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // the worker may end a job after us
  rpc::Router grpc_;
  http::Server server_;
};

}  // namespace thaw::inference
