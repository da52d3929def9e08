// What an ACME server says: whatever it is, an order ends, and asks for https URLs only. An input
// is a list of answers; each begins with a line of its own: "= STATUS LOCATION RETRY-AFTER".
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "domains/acme_calls.h"
#include "domains/acme_order.h"

namespace {

using namespace thaw;

std::vector<http::Response> answers_of(std::string_view text) {
  std::vector<http::Response> all;
  while (!text.empty()) {
    const size_t end = text.find("\n= ");
    const std::string_view part = text.substr(0, end);
    const size_t line = part.find('\n');
    http::Response answer;
    std::string_view head = part.substr(0, line);
    if (head.starts_with("= ")) head.remove_prefix(2);
    answer.status = std::atoi(std::string(head.substr(0, 3)).c_str());
    head.remove_prefix(std::min<size_t>(head.size(), 4));
    answer.headers.add("location", std::string(head.substr(0, head.find(' '))));
    if (const size_t blank = head.find(' '); blank != std::string_view::npos) {
      answer.headers.add("retry-after", std::string(head.substr(blank + 1)));
    }
    answer.headers.add("replay-nonce", "nonce");
    if (line != std::string_view::npos) answer.body = part.substr(line + 1);
    all.push_back(std::move(answer));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto answers = answers_of({reinterpret_cast<const char*>(data), size});
  domains::AcmeOrder order({.directory = "https://ca.test/dir",
                            .domain = "a.test",
                            .request = "request",
                            .thumbprint = "print",
                            .email = ""});
  domains::AcmeStep step = order.begin();
  size_t next = 0;
  for (int i = 0; i < 1000; ++i) {
    if (const auto* request = std::get_if<domains::AcmeRequest>(&step)) {
      if (!request->url.starts_with("https://")) std::abort();
      (void)domains::parse_https_url(request->url);
      const http::Response empty;
      const http::Response& answer = answers.empty() ? empty : answers[next++ % answers.size()];
      step = order.on_answer(domains::to_answer(answer));
    } else if (const auto* pause = std::get_if<domains::AcmePause>(&step)) {
      if (pause->time < seconds(1) || pause->time > seconds(60)) std::abort();
      step = order.on_pause_over();
    } else {
      return 0;
    }
  }
  std::abort();  // it never ended
}
