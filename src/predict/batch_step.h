// What the jobs of a batch ask for, one step after the other: a call of the object store, a
// forecast, or the end; and the calls that all kinds of jobs make.
//
// **Thread**: any. **Owner**: values. **Limits**: none of its own.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "http/message.h"

namespace thaw::predict {

/// The object that a notification is about.
struct InputObject {
  std::string bucket;
  std::string name;
  std::string generation;  // "": the one that is there, which is looked up first
};
/// What follows where the generation of an input is not there any more by the time that it is read.
enum class GoneInput {
  kToldLater,  // nothing: an event of its own tells of what is there now
  kAgain,      // another try, which takes what is there then
};
/// Where a forecast goes.
struct OutputObject {
  std::string bucket;
  std::string name;
};

/// "gs://BUCKET/NAME".
std::string url_of(const InputObject& object);
std::string url_of(const OutputObject& object);
/// What lies beside an output: why there is none, and how far it is.
std::string error_name(const OutputObject& output);
std::string status_name(const OutputObject& output);

/// Keys of the metadata of all that is written for an input.
inline constexpr const char* kInputKey = "input";  // its url
inline constexpr const char* kStateKey = "state";  // in a status, and in its metadata
inline constexpr const char* kInputGenerationKey = "input-generation";
/// A generation as a number; 0 where it is none.
int64_t number_of(std::string_view generation);

/// Bytes of an input that are read at once.
inline constexpr int64_t kMostInputBytes = 32 << 20;

/// A request to the object store: method, target, headers and body are set.
struct StoreCall {
  http::Request request;
  int64_t most_bytes = 0;  // of the content that is read by it; 0: none, but for metadata
};
/// To be answered as POST /predict is.
struct ForecastCall {
  http::Request request;
};
/// The end: what the push is answered.
struct BatchEnd {
  http::Response response;
};
using BatchStep = std::variant<StoreCall, ForecastCall, BatchEnd>;

/// The end in the shape of Google's errors, which all answers to pushes have.
BatchEnd end_batch(int status, std::string_view name, std::string_view message);
/// That of a job whose input went away.
BatchEnd end_of_gone_input(const InputObject& input, GoneInput gone);

/// An object's metadata, its content, bytes `begin` to before `end` of it, a whole upload.
http::Request get_metadata(std::string_view bucket, std::string_view name);
http::Request get_content(const InputObject& object);
http::Request get_range(const InputObject& object, int64_t begin, int64_t end);
http::Request put_object(const OutputObject& object, std::string_view precondition,
                         std::string_view type, const Json& metadata, std::string_view content);
http::Request delete_object(const OutputObject& object, std::string_view generation);
/// The begin of an upload in parts; its answer names the address of the parts in "location".
http::Request begin_upload(const OutputObject& object, std::string_view precondition,
                           std::string_view type, const Json& metadata);

}  // namespace thaw::predict
