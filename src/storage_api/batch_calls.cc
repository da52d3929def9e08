// Batches: several calls in one multipart/mixed body, answered in their order.
#include <fmt/format.h>

#include "http/status.h"
#include "http/text.h"
#include "storage_api/batch.h"
#include "storage_api/multipart.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

constexpr size_t kMostCalls = 100;

Error bad(std::string_view why) {
  return {Code::kInvalidArgument, "A part of the batch is malformed: " + std::string(why)};
}

/// Takes a line without its end off `text`.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text = end == text.npos ? "" : text.substr(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Answers of parts, put together when the last came.
struct Gathering {
  CallPtr batch;
  std::vector<std::string> ids;
  std::vector<std::string> answers;
  size_t left = 0;

  void add(size_t index, const http::Response& response) {
    std::string& text = answers[index];
    text = fmt::format("HTTP/1.1 {} {}\r\n", response.status, http::reason_phrase(response.status));
    for (const auto& header : response.headers) {
      text += fmt::format("{}: {}\r\n", header.name, header.value);
    }
    text += fmt::format("Content-Length: {}\r\n\r\n{}\r\n", response.body.size(), response.body);
    if (--left == 0) answer();
  }

  void answer() {
    constexpr std::string_view kBoundary = "batch_thaw_1d4e0c7a5b9f4b62";
    http::Response reply;
    for (size_t i = 0; i < answers.size(); ++i) {
      reply.body += fmt::format("--{}\r\nContent-Type: application/http\r\n", kBoundary);
      if (!ids[i].empty()) reply.body += fmt::format("Content-ID: <response-{}>\r\n", ids[i]);
      reply.body += "\r\n" + answers[i];
    }
    reply.body += fmt::format("--{}--\r\n", kBoundary);
    reply.headers.add("content-type", fmt::format("multipart/mixed; boundary={}", kBoundary));
    batch->answer(std::move(reply));
  }
};

}  // namespace

Result<http::Request> parse_batch_part(std::string_view text) {
  http::Request request;
  std::string_view line = take_line(text);
  const size_t space = line.find(' ');
  if (space == line.npos || !http::is_token(line.substr(0, space))) {
    return bad("'METHOD /path' is wanted in its first line");
  }
  request.method = line.substr(0, space);
  std::string_view target = http::trim(line.substr(space));
  target = target.substr(0, target.find(' '));
  if (const size_t scheme = target.find("://"); scheme != target.npos && scheme < 6) {
    const size_t slash = target.find('/', scheme + 3);
    if (slash == target.npos) return bad("the URL has no path");
    target.remove_prefix(slash);
  }
  if (!target.starts_with('/')) return bad("the path does not begin with '/'");
  request.target = target;
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != target.npos) request.query = http::parse_query(target.substr(question + 1));
  for (;;) {
    if (text.empty()) return request;
    line = take_line(text);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == line.npos || !http::is_token(name)) return bad("a header has no name");
    const std::string_view value = http::trim(line.substr(colon + 1));
    if (!http::is_field_value(value)) return bad("a header has control characters");
    request.headers.add(std::string(name), std::string(value));
  }
  request.body = text;
  return request;
}

Result<std::vector<BatchPart>> parse_batch(std::string_view content_type, std::string_view body) {
  const auto boundary = boundary_of(content_type);
  if (!boundary) {
    return Error(Code::kInvalidArgument, "Content-Type: multipart/mixed with a boundary is wanted");
  }
  std::vector<BatchPart> parts;
  std::string text;
  MultipartReader::Events events;
  events.on_part = [&](const http::Headers& headers) -> Status {
    if (parts.size() >= kMostCalls) {
      return Error(Code::kInvalidArgument, fmt::format("The batch has over {} calls", kMostCalls));
    }
    std::string id(headers.get("content-id"));
    if (id.starts_with('<') && id.ends_with('>')) id = id.substr(1, id.size() - 2);
    if (!http::is_field_value(id)) return bad("Content-ID");
    parts.push_back({std::move(id), {}});
    text.clear();
    return {};
  };
  events.on_content = [&](std::string_view content) -> Status {
    text += content;
    return {};
  };
  events.on_part_end = [&]() -> Status {
    ASSIGN_OR_RETURN(parts.back().request, parse_batch_part(text));
    return {};
  };
  MultipartReader reader(*boundary, std::move(events));
  RETURN_IF_ERROR(reader.add(body));
  RETURN_IF_ERROR(reader.end());
  if (parts.empty()) return Error(Code::kInvalidArgument, "The batch has no calls");
  return parts;
}

void run_batch(const CallPtr& batch, const std::function<void(CallPtr part)>& dispatch) {
  auto parts = parse_batch(batch->request.headers.get("content-type"), batch->request.body);
  if (!parts) return batch->answer(parts.error());
  const auto gathering = std::make_shared<Gathering>();
  gathering->batch = batch;
  gathering->left = parts->size();
  gathering->answers.resize(parts->size());
  for (BatchPart& part : *parts) gathering->ids.push_back(std::move(part.content_id));
  for (size_t i = 0; i < parts->size(); ++i) {
    const auto call = std::make_shared<Call>();
    call->request = std::move((*parts)[i].request);
    call->request.host = batch->request.host;
    call->base_url = batch->base_url;
    call->on_answer = [gathering, i](const http::Response& answer) { gathering->add(i, answer); };
    dispatch(call);
  }
}

}  // namespace thaw::storage_api
