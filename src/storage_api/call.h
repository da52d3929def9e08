// Call: one request of the Cloud Storage API while it is answered, and what all handlers read from
// it. Handlers are functions that take the call and the store.
//
// **Thread**: the loop's. **Owner**: shared by the callbacks that answer it. **Limits**: JSON
// bodies 1 MiB, batches 10 MiB.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "http/server.h"
#include "objects/object_store.h"
#include "storage_api/target.h"

namespace thaw::storage_api {

struct Call {
  http::Request request;
  Target target;
  std::string base_url;                      // as the client named us: "http://127.0.0.1:8081"
  std::optional<http::BodyStream> body;      // of uploads; of others it was read into request.body
  std::optional<http::Responder> responder;  // none: a part of a batch
  std::function<void(http::Response)> on_answer;  // of a part of a batch
  http::Headers extra;                            // CORS headers of the answer

  void answer(http::Response response);
  void answer(const Error& error);
  /// As XML where the path is one of the XML API's, else as JSON.
  http::Response fault(const Error& error) const;
  /// The query's value, or "".
  std::string query(std::string_view name) const;
  bool is_on(std::string_view name) const { return query(name) == "true" || query(name) == "True"; }
};
using CallPtr = std::shared_ptr<Call>;

/// ifGenerationMatch and its like, and If-Match with one of our entity tags. With `source`:
/// ifSourceGenerationMatch...
enum class Side { kTarget, kSource };
Result<objects::Preconditions> preconditions_of(const Call& call, Side side = Side::kTarget);
/// A number of the query; nullopt when it is absent.
Result<std::optional<int64_t>> number_of(const Call& call, std::string_view name);
/// The body as a JSON object; an empty body is {}.
Result<Json> json_body(const Call& call);
/// The numbers of one of our entity tags, quoted or not.
std::optional<std::pair<int64_t, int64_t>> parse_etag(std::string_view text);

/// Answers `what(value)` or the error.
template <class T>
std::function<void(Result<T>)> answering(CallPtr call,
                                         std::function<http::Response(const T&)> what) {
  return [call = std::move(call), what = std::move(what)](const Result<T>& result) {
    if (!result) return call->answer(result.error());
    call->answer(what(*result));
  };
}

}  // namespace thaw::storage_api
