// Work: one request for a model, from its body to its answer; and how several become one.
//
// Thread: made on the loop, run on the worker. Owner: values. Limits: none of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"
#include "inference/task.h"

namespace thaw::inference {

/// The error form of all endpoints: {"error": {"code", "message", "status"}}.
http::Response failure(const Error& error);
http::Response failure(int status, std::string_view name, std::string_view message);
http::Response ok(const Json& body);

/// Whether the caller still waits: written on the loop, read where the model is.
using Wanted = std::atomic<bool>;

struct Work {
  size_t model = 0;
  size_t tokens = 1;  // that go through the model, as estimated
  /// Requests go through the model together where their options agree.
  std::shared_ptr<const TaskRequest> task;
  /// The answer to the task, made of what became of its inputs.
  std::function<http::Response(const encoder::Model& model, TaskAnswer answer)> finish;
  /// The answer to a fault of the task; null: failure().
  std::function<http::Response(const Error& error)> fault;
  std::shared_ptr<const Wanted> wanted;  // null: yes
};

/// Indices of `batch`: those in one group go through the model together, since their options agree
/// and the task gains by it.
std::vector<std::vector<size_t>> groups_of(const std::vector<const Work*>& batch,
                                           encoder::Task task);
/// One answer for each, in order. A fault of one request fails no other. What nobody waits for any
/// more is not worked on, and given up between two slices; its answer is then an error.
std::vector<http::Response> run_batch(const encoder::Model& model,
                                      const std::vector<const Work*>& batch);

}  // namespace thaw::inference
