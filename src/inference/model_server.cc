#include "inference/model_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/log.h"
#include "http/text.h"
#include "inference/routes.h"
#include "inference/v2_grpc.h"
#include "predict/error_response.h"

namespace thaw::inference {

/// Written by the loop, then by the worker, then read by the loop.
struct ModelServer::Batch {
  size_t model = 0;
  size_t tokens = 0;
  Duration took{};  // without the loop's time, which is not the model's
  std::vector<uint64_t> ids;
  std::vector<Work> works;
  std::vector<http::Response> answers;
};

/// Written by the loop, then by the reader, then read by the loop.
struct ModelServer::Aside {
  http::Request request;  // or a gRPC message
  std::string message;
  std::vector<Served> models;
  ReadWork read;
  Result<Work> work = Error(Code::kUnknown, "not read");
};

namespace {

/// While more than a batch waits, nothing that comes can be worked on at once: requests are taken
/// together, since each time the loop wakes it takes the processor, and its caches, from the model.
constexpr Duration kRest = milliseconds(10);
constexpr size_t kReadAside = 256 << 10;     // bytes of a body
constexpr size_t kMostReadAside = 64 << 20;  // of all; one may have more

/// Whose turn it is: the address that the nearest proxy saw, which is the last of the last line,
/// else the peer's. Whoever reaches the server without a proxy can claim to be others, and gains
/// their turns in the queue by it.
std::string caller_of(const std::string& address, const http::Headers& headers) {
  const std::string peer = address.substr(0, address.rfind(':'));
  std::optional<std::string_view> chain;
  for (const auto& each : headers) {
    if (http::equals_ignoring_case(each.name, "x-forwarded-for")) chain = each.value;
  }
  if (!chain) return peer;
  constexpr size_t kLongestName = 64;
  const std::string_view nearest =
      http::trim(chain->substr(chain->rfind(',') + 1));  // npos + 1 is 0
  return fmt::format("{} {}", peer, nearest.substr(0, kLongestName));
}

/// Whole seconds from 1 to 60.
std::string retry_after(Duration wait) {
  constexpr double kMost = 60;
  return std::to_string(static_cast<int>(std::clamp(std::ceil(to_seconds(wait)), 1.0, kMost)));
}

}  // namespace

ModelServer::ModelServer(io::Net& net, io::Loop& loop, io::Worker& worker, io::Worker& reader,
                         std::vector<ModelSpec> specs, Duration since_exec)
    : loop_(loop),
      worker_(worker),
      reader_(reader),
      executed_(loop.now() - since_exec),
      grpc_(loop, {.max_message = mib(32)}),
      server_(net, loop,
              {.fault =
                   [this](int status, std::string_view reason) {
                     stats_.on_answer("", status, Duration(0));
                     return predict::protocol_fault(status, reason);
                   }},
              [this](http::Request request, http::Responder responder) {
                const auto shared = std::make_shared<http::Responder>(std::move(responder));
                handle(
                    std::move(request),
                    {[shared](http::Response answer) { shared->answer(std::move(answer)); },
                     [shared](std::function<void()> gone) { shared->when_gone(std::move(gone)); }});
              }) {
  stats_.on_step("exec", since_exec);
  for (ModelSpec& spec : specs) models_.push_back({std::move(spec), nullptr});
  serve_grpc();
  server_.refuse_unsent(
      [this](const http::Request& head, uint64_t length) { return refusal_unsent(head, length); });
}

/// Of a request whose body will be sent if there is none: what can be said without it.
std::optional<http::Response> ModelServer::refusal_unsent(const http::Request& head,
                                                          uint64_t length) {
  Routed routed = route(head, models_);
  std::optional<http::Response> refused;
  if (auto* response = std::get_if<http::Response>(&routed.answer)) {
    refused = std::move(*response);
  } else if (is_too_much({caller_of(head.peer, head.headers), static_cast<size_t>(length)})) {
    refused = busy();
  }
  if (refused) stats_.on_answer(routed.path, refused->status, Duration(0));
  return refused;
}

void ModelServer::serve_grpc() {
  const auto asker_of = [](const Asks::Call& call, Asks::Answer answer) -> Asker {
    return {std::move(answer),
            [call](std::function<void()> gone) { call->when_gone(std::move(gone)); }};
  };
  const Asks asks = {
      .read = [this, asker_of](
                  const http::Request& request, const Asks::Call& call,
                  Asks::Answer answer) { handle(request, asker_of(call, std::move(answer))); },
      .infer =
          [this, asker_of](const ModelName& model, std::string message, const Asks::Call& call,
                           Asks::Answer answer) {
            const From from = {caller_of(call->peer(), call->metadata()), message.size()};
            infer(model.name, model.version, std::move(message), from,
                  asker_of(call, std::move(answer)));
          }};
  grpc_.bound(server_.bodies());
  add_v2_methods(grpc_, asks, models_.size() == 1 ? models_[0].spec.name : "");
  server_.stream_bodies([this](const http::Request& head) { return grpc_.takes(head); },
                        [this](http::Request head, http::BodyStream body, http::Responder to) {
                          grpc_.handle(std::move(head), std::move(body), std::move(to));
                        });
}

Result<io::SocketAddress> ModelServer::listen(const io::SocketAddress& address) {
  auto listening = server_.listen(address);
  stats_.on_step("listen", since_exec());
  return listening;
}

void ModelServer::drain(std::function<void()> done) { server_.drain(std::move(done)); }

void ModelServer::load(std::function<void(const Status&)> done) { load_next(0, std::move(done)); }

void ModelServer::load_next(size_t index, std::function<void(const Status&)> done) {
  if (index == models_.size()) {
    state_ = State::kIdle;
    stats_.on_step("load", since_exec());
    done({});
    return work_on();
  }
  struct Loaded {
    Result<std::unique_ptr<encoder::Model>> model = Error(Code::kUnknown, "not loaded");
  };
  const auto loaded = std::make_shared<Loaded>();
  const Status taken = worker_.run(
      [loaded, spec = models_[index].spec] {
        loaded->model = encoder::Model::open(spec.folder, spec.options);
      },
      [this, loaded, index, done, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        if (!loaded->model) return done(loaded->model.error());
        models_[index].model = *std::move(loaded->model);
        tell_load(models_[index]);
        load_next(index + 1, done);
      });
  if (!taken) done(taken);
}

void ModelServer::tell_load(const Served& served) {
  using From = encoder::Arena::Filled::From;
  const encoder::LoadReport& report = served.model->report();
  const std::string part = report.filled.from == From::kCache ? "cache" : "pack";
  stats_.on_load(served.spec.name, "map", report.map);
  stats_.on_load(served.spec.name, part, report.panels);
  log_info("model is loaded", {{"model", served.spec.name},
                               {"map_ms", to_millis(report.map)},
                               {part + "_ms", to_millis(report.panels)},
                               {"panels", report.filled.path},
                               {"note", report.filled.note}});
}

void ModelServer::handle(http::Request request, Asker asker) {
  if (request.path == "/ready" || request.path == "/metrics") {
    return asker.answer(std::get<http::Response>(own_route(request).answer));
  }
  const From from = {caller_of(request.peer, request.headers), request.body.size()};
  if (from.bytes <= kReadAside) return take(route(request, models_), from, std::move(asker));
  const auto aside = std::make_shared<Aside>(Aside{std::move(request), "", models_, nullptr});
  take(route(aside->request, aside->models), from, std::move(asker), aside);
}

/// ModelInfer over gRPC.
void ModelServer::infer(const std::string& model, const std::string& version, std::string message,
                        const From& from, Asker asker) {
  if (from.bytes <= kReadAside) {
    return take(route_infer(models_, model, version, message), from, std::move(asker));
  }
  const auto aside = std::make_shared<Aside>(Aside{{}, std::move(message), models_, nullptr});
  take(route_infer(aside->models, model, version, aside->message), from, std::move(asker), aside);
}

/// `aside`: has what `routed` refers to, so that its body is read aside; null: it is read at once.
void ModelServer::take(Routed routed, const From& from, Asker asker, std::shared_ptr<Aside> aside) {
  const auto answer = [&](http::Response response) {
    stats_.on_answer(routed.path, response.status, Duration(0));
    asker.answer(std::move(response));
  };
  if (auto* response = std::get_if<http::Response>(&routed.answer)) {
    return answer(std::move(*response));
  }
  if (queue_.has_whole_batch()) loop_.rest(kRest);
  if (is_too_much(from)) return answer(busy());
  auto& read = std::get<ReadWork>(routed.answer);
  if (aside != nullptr) {
    if (reading_ > 0 && reading_ + from.bytes > kMostReadAside) return answer(busy());
    aside->read = std::move(read);
    return read_aside(std::move(aside), std::move(routed.path), from, std::move(asker));
  }
  auto work = read();
  if (!work) return answer(failure(work.error()));
  enqueue(*std::move(work), from, routed.path, std::move(asker));
}

void ModelServer::read_aside(std::shared_ptr<Aside> aside, std::string path, const From& from,
                             Asker asker) {
  const auto is_gone = std::make_shared<std::atomic<bool>>(false);
  asker.when_gone([is_gone] { *is_gone = true; });
  const auto refuse = [this](const std::string& where, const Asker& to, http::Response response) {
    stats_.on_answer(where, response.status, Duration(0));
    to.answer(std::move(response));
  };
  reading_ += from.bytes;
  const Status taken = reader_.run(
      [aside, is_gone] {
        if (!*is_gone) aside->work = aside->read();
      },
      [this, aside, is_gone, refuse, path, from, asker, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        reading_ -= from.bytes;
        if (*is_gone) return;
        if (!aside->work) return refuse(path, asker, failure(aside->work.error()));
        enqueue(*std::move(aside->work), from, path, asker);
      });
  if (taken) return;
  reading_ -= from.bytes;
  refuse(path, asker, busy());
}

/// What the server tells of itself, at once.
Routed ModelServer::own_route(const http::Request& request) const {
  return reading(request.path, request, [&]() -> http::Response {
    if (request.path == "/metrics") {
      return http::Response::text(200, stats_.render(queue_.size()));
    }
    return state_ != State::kLoading ? ok(Json::object({{"status", "ready"}}))
                                     : failure(503, "UNAVAILABLE", "the models are loading");
  });
}

void ModelServer::enqueue(Work work, const From& from, const std::string& path, Asker asker) {
  const uint64_t id = ++last_id_;
  const BatchQueue::Request waits = {id, from.caller, work.model, work.tokens, from.bytes};
  asker.when_gone([this, id] { forget(id); });
  const auto wanted = std::make_shared<Wanted>(true);
  work.wanted = wanted;
  waiting_[id] = {std::move(work), std::move(asker), path, loop_.now(), wanted};
  if (const auto refused = queue_.add(waits)) {
    // Another's later: what its client sent behind it is taken then, and may displace the next.
    if (*refused == id) {
      refuse(id);
    } else {
      loop_.post([other = refusal(*refused)] { other.tell(other.answer); });
    }
  }
  if (state_ == State::kIdle) work_on();
}

/// Whether it would be refused, as its size tells: to read it would cost the models' time.
bool ModelServer::is_too_much(const From& from) const {
  return queue_.would_refuse_unread({0, from.caller, 0, least_tokens(from.bytes), from.bytes});
}

http::Response ModelServer::busy() const {
  static const http::Response refusal =
      failure(429, "RESOURCE_EXHAUSTED", "too many requests wait for the model: try again later");
  http::Response busy = refusal;
  busy.headers.add("retry-after", retry_after(queue_.wait()));
  return busy;
}

void ModelServer::refuse(uint64_t id) {
  // Who is gone broke off as another was refused on the same connection.
  if (!waiting_.contains(id)) return;
  Refusal refused = refusal(id);
  refused.tell(std::move(refused.answer));
}

/// It does not wait any more, and is to be told so.
ModelServer::Refusal ModelServer::refusal(uint64_t id) {
  const auto found = waiting_.find(id);
  const Waiting refused = std::move(found->second);
  waiting_.erase(found);
  http::Response answer = busy();
  stats_.on_answer(refused.path, answer.status, loop_.now() - refused.since);
  return {refused.asker.answer, std::move(answer)};
}

void ModelServer::forget(uint64_t id) {
  queue_.remove(id);
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  *found->second.wanted = false;
  waiting_.erase(found);
}

void ModelServer::work_on() {
  if (state_ != State::kIdle) return;
  const auto batch = std::make_shared<Batch>();
  batch->ids = queue_.take();
  if (batch->ids.empty()) return;
  for (const uint64_t id : batch->ids) {
    batch->works.push_back(std::move(waiting_.at(id).work));
    batch->tokens += batch->works.back().tokens;
  }
  batch->model = batch->works.front().model;
  stats_.on_batch(batch->ids.size());
  state_ = State::kWorking;
  const Status taken = worker_.run(
      [batch, model = models_[batch->model].model] {
        std::vector<const Work*> works;
        for (const Work& work : batch->works) works.push_back(&work);
        const auto began = std::chrono::steady_clock::now();
        batch->answers = run_batch(*model, works);
        batch->took = std::chrono::steady_clock::now() - began;
      },
      [this, batch, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) finish(batch);
      });
  if (taken) return;
  batch->answers.assign(batch->ids.size(), failure(taken.error()));
  finish(batch);
}

void ModelServer::finish(const std::shared_ptr<Batch>& batch) {
  const auto is_wanted = [](const Work& work) { return work.wanted->load(); };
  const auto is_ok = [](const http::Response& answer) { return answer.status == 200; };
  const bool is_whole = std::all_of(batch->works.begin(), batch->works.end(), is_wanted) &&
                        std::all_of(batch->answers.begin(), batch->answers.end(), is_ok);
  queue_.on_worked(batch->tokens, is_whole ? std::optional(batch->took) : std::nullopt);
  for (const uint64_t id : queue_.overdue()) refuse(id);
  if (!std::exchange(answered_once_, true)) {
    stats_.on_step("first answer", since_exec());
    log_info("first answer",
             {{"after_ms", to_millis(since_exec())}, {"model_ms", to_millis(batch->took)}});
  }
  for (size_t i = 0; i < batch->ids.size(); ++i) {
    const auto found = waiting_.find(batch->ids[i]);
    if (found == waiting_.end()) continue;  // its caller has gone
    const Waiting asked = std::move(found->second);
    waiting_.erase(found);
    stats_.on_answer(asked.path, batch->answers[i].status, loop_.now() - asked.since);
    asked.asker.answer(std::move(batch->answers[i]));
  }
  state_ = State::kIdle;
  work_on();
}

}  // namespace thaw::inference
