#include "predict/batch_step.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "http/query.h"
#include "predict/error_response.h"

namespace thaw::predict {
namespace {

http::Request get(std::string target) {
  http::Request request;
  request.target = std::move(target);
  return request;
}

Json resource(const OutputObject& object, std::string_view type, const Json& metadata) {
  return Json::object({{"name", object.name}, {"contentType", type}, {"metadata", metadata}});
}

}  // namespace

std::string url_of(const InputObject& object) {
  return fmt::format("gs://{}/{}", object.bucket, object.name);
}

std::string url_of(const OutputObject& object) {
  return fmt::format("gs://{}/{}", object.bucket, object.name);
}

std::string error_name(const OutputObject& output) { return output.name + ".error.json"; }

std::string status_name(const OutputObject& output) { return output.name + ".status.json"; }

int64_t number_of(std::string_view generation) {
  int64_t value = 0;
  std::from_chars(generation.data(), generation.data() + generation.size(), value);
  return value;
}

BatchEnd end_batch(int status, std::string_view name, std::string_view message) {
  return {error_response(status, name, message)};
}

BatchEnd end_of_gone_input(const InputObject& input, GoneInput gone) {
  const std::string what =
      fmt::format("{} has no generation {} any more", url_of(input), input.generation);
  return gone == GoneInput::kAgain ? end_batch(503, "ABORTED", what) : end_batch(200, "OK", what);
}

http::Request get_metadata(std::string_view bucket, std::string_view name) {
  return get(fmt::format("/storage/v1/b/{}/o/{}", http::percent_encode(bucket),
                         http::percent_encode(name)));
}

http::Request get_content(const InputObject& object) {
  return get(fmt::format("/download/storage/v1/b/{}/o/{}?alt=media&generation={}",
                         http::percent_encode(object.bucket), http::percent_encode(object.name),
                         http::percent_encode(object.generation)));
}

http::Request get_range(const InputObject& object, int64_t begin, int64_t end) {
  http::Request request = get_content(object);
  request.headers.add("range", fmt::format("bytes={}-{}", begin, end - 1));
  return request;
}

http::Request put_object(const OutputObject& object, std::string_view precondition,
                         std::string_view type, const Json& metadata, std::string_view content) {
  // Nothing that the content may hold: its own bytes decide the boundary.
  std::string boundary = "thaw-forecast";
  while (content.find(boundary) != std::string_view::npos) boundary += "-x";
  http::Request request{.method = "POST"};
  request.target = fmt::format("/upload/storage/v1/b/{}/o?{}uploadType=multipart",
                               http::percent_encode(object.bucket), precondition);
  request.headers.add("content-type", "multipart/related; boundary=" + boundary);
  request.body = fmt::format(
      "--{0}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{1}\r\n"
      "--{0}\r\nContent-Type: {2}\r\n\r\n{3}\r\n--{0}--\r\n",
      boundary, resource(object, type, metadata).dump(), type, content);
  return request;
}

http::Request delete_object(const OutputObject& object, std::string_view generation) {
  http::Request request = get_metadata(object.bucket, object.name);
  request.method = "DELETE";
  request.target += fmt::format("?ifGenerationMatch={}", http::percent_encode(generation));
  return request;
}

http::Request begin_upload(const OutputObject& object, std::string_view precondition,
                           std::string_view type, const Json& metadata) {
  http::Request request{.method = "POST"};
  request.target = fmt::format("/upload/storage/v1/b/{}/o?{}uploadType=resumable",
                               http::percent_encode(object.bucket), precondition);
  request.headers.add("content-type", "application/json; charset=UTF-8");
  request.body = resource(object, type, metadata).dump();
  return request;
}

}  // namespace thaw::predict
