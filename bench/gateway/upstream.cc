// The instance behind the proxies: answers every GET with 100 bytes, that of /mib with 1 MiB, from
// one thread over epoll.
//
// Listens on $PORT, or on a free port when that is 0; prints the port. Only for the benchmark: it
// takes every request to end with its head.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

int listen_on(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 4096) != 0) {
    std::perror("listen");
    std::exit(1);
  }
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

std::string response_of(size_t size) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(size) +
         "\r\n\r\n" + std::string(size, 'x');
}

const std::string kSmall = response_of(100);
const std::string kLarge = response_of(1 << 20);
std::unordered_map<int, std::string_view> unsent;  // by descriptor

/// False when the connection is over. What it does not take now waits for EPOLLOUT.
bool send_some(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  if (text.empty()) {
    unsent.erase(fd);
  } else {
    unsent[fd] = text;
  }
  return true;
}

/// Likewise. Who asks again before the answer was read is not served: the proxies do not.
bool answer(int fd) {
  char buffer[16384];
  const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN) return true;
  if (n <= 0 || unsent.contains(fd)) return false;
  std::string_view text(buffer, static_cast<size_t>(n));
  size_t end;
  while ((end = text.find("\r\n\r\n")) != text.npos) {
    const bool is_large = text.starts_with("GET /mib ");
    if (!send_some(fd, is_large ? kLarge : kSmall)) return false;
    text.remove_prefix(end + 4);
  }
  return true;
}

}  // namespace

int main() {
  const char* port = std::getenv("PORT");
  const int listener = listen_on(static_cast<uint16_t>(port == nullptr ? 0 : std::atoi(port)));
  const int epoll = ::epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  epoll_event events[256];
  for (;;) {
    const int count = ::epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (client < 0) continue;
        event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = client}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
        continue;
      }
      const auto waiting = unsent.find(fd);
      bool lives = waiting == unsent.end() || send_some(fd, waiting->second);
      if (lives && (events[i].events & ~EPOLLOUT) != 0) lives = answer(fd);
      if (lives) continue;
      unsent.erase(fd);
      ::close(fd);
    }
  }
}
