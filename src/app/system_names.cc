#include "app/system_names.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <array>
#include <utility>

namespace thaw::app {
namespace {

using Found = Result<std::vector<std::string>>;

struct State {
  domains::Names::OnFound on_found;  // null once given up
  Found found = Error(Code::kUnavailable, "not looked up");
};

class SystemLookup final : public domains::Lookup {
 public:
  explicit SystemLookup(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~SystemLookup() override { state_->on_found = nullptr; }

 private:
  std::shared_ptr<State> state_;
};

Found look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;  // no IPv6 addresses where the machine has none itself
  addrinfo* list = nullptr;
  int fault = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (fault != 0 && fault != EAI_AGAIN) {
    hints.ai_flags = 0;
    fault = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  }
  if (fault != 0) {
    return Error(Code::kUnavailable,
                 fmt::format("no address of '{}': {}", host, ::gai_strerror(fault)));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* const bytes =
        each->ai_family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(each->ai_addr)->sin_addr)
            : static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(each->ai_addr)->sin6_addr);
    if (::inet_ntop(each->ai_family, bytes, text.data(), text.size()) != nullptr) {
      addresses.emplace_back(text.data());
    }
  }
  ::freeaddrinfo(list);
  if (!addresses.empty()) return addresses;
  return Error(Code::kUnavailable, fmt::format("no address of '{}'", host));
}

}  // namespace

std::unique_ptr<domains::Lookup> SystemNames::find(const std::string& host, OnFound on_found) {
  auto state = std::make_shared<State>();
  state->on_found = std::move(on_found);
  const auto done = [state] {
    if (const auto callback = std::exchange(state->on_found, nullptr)) {
      callback(std::move(state->found));
    }
  };
  if (!worker_) worker_.emplace(loop_);
  const Status queued = worker_->run([state, host] { state->found = look_up(host); }, done);
  if (!queued) {
    state->found = queued.error();
    loop_.post(done);
  }
  return std::make_unique<SystemLookup>(std::move(state));
}

}  // namespace thaw::app
