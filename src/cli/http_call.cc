#include "cli/http_call.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "http/client.h"

namespace thaw::cli {
namespace {

/// What the callbacks of one call share; they all run inside the loop's turns below.
struct Waiting {
  io::Loop& loop;
  const CallOptions& options;
  http::Response response;
  std::optional<Status> ended;
  int64_t received = 0;

  void finish(Status status) {
    if (ended) return;
    ended = std::move(status);
    loop.stop();
  }

  void take(std::string_view piece) {
    if (ended) return;
    received += static_cast<int64_t>(piece.size());
    if (received > options.largest_body.value) {
      return finish(
          Error(Code::kResourceExhausted,
                fmt::format("the answer is larger than {}", format_bytes(options.largest_body))));
    }
    if (!options.on_body) {
      response.body += piece;
    } else if (!options.on_body(response, piece)) {
      finish({});
    }
  }
};

}  // namespace

Result<http::Response> http_call(Ports& ports, const io::SocketAddress& address,
                                 http::Request request, const CallOptions& options) {
  io::Loop& loop = ports.loop();
  Waiting waiting{.loop = loop, .options = options};
  http::Client client(ports.net(), loop);
  const io::Timer limit = loop.after(options.timeout, [&] {
    waiting.finish(Error(Code::kDeadlineExceeded, fmt::format("no whole answer within {}",
                                                              format_duration(options.timeout))));
  });
  const std::unique_ptr<http::Call> call =
      client.stream(address, std::move(request), options.timeout,
                    {.on_head = [&](const http::Response& head) { waiting.response = head; },
                     .on_content = [&](std::string_view piece) { waiting.take(piece); },
                     .on_end = [&](Status status) { waiting.finish(std::move(status)); }});
  while (!waiting.ended) loop.run();
  if (!*waiting.ended) return std::move(*waiting.ended).error();
  return std::move(waiting.response);
}

void pause_for(Ports& ports, Duration length) {
  io::Loop& loop = ports.loop();
  bool over = false;
  const io::Timer timer = loop.after(length, [&] {
    over = true;
    loop.stop();
  });
  while (!over) loop.run();
}

}  // namespace thaw::cli
