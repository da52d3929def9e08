#include "serving/tcp_prober.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

#include "serving/words.h"

namespace thaw::serving {
namespace {

constexpr Duration kShortestPause = std::chrono::milliseconds(1);
constexpr Duration kLongestPause = std::chrono::milliseconds(100);
constexpr size_t kMostRead = 1024;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string request_text(const io::SocketAddress& address, const StartupProbe& probe) {
  std::string text = fmt::format("GET {} HTTP/1.1\r\n", probe.path.empty() ? "/" : probe.path);
  bool has_host = false;
  bool has_agent = false;
  for (const auto& [name, value] : probe.headers) {
    has_host |= same_name(name, "Host");
    has_agent |= same_name(name, "User-Agent");
    text += fmt::format("{}: {}\r\n", name, value);
  }
  if (!has_host) text += fmt::format("Host: {}\r\n", address.str());
  if (!has_agent) text += "User-Agent: thaw-probe/1.0\r\n";
  return text + "Accept: */*\r\nConnection: close\r\n\r\n";
}

/// The status of a complete status line; nullopt: more is needed; 0: this is no HTTP.
std::optional<int> parse_status(std::string_view text) {
  constexpr std::string_view kStart = "HTTP/1.";
  const size_t known = std::min(text.size(), kStart.size());
  if (text.substr(0, known) != kStart.substr(0, known)) return 0;
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return text.size() < kMostRead ? std::nullopt : std::optional(0);
  }
  // "HTTP/1.x NNN", then a blank or the end of the line.
  if (end < 12 || text[8] != ' ') return 0;  // so text[12] is there
  int status = 0;
  for (const char c : text.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  const char after = text[12];
  return after == ' ' || after == '\r' || after == '\n' ? status : 0;
}

class Attempts final : public Probing, private io::StreamEvents {
 public:
  Attempts(io::Clock& clock, io::Timers& timers, io::Net& net, const io::SocketAddress& address,
           const StartupProbe& probe, std::function<void(Prober::Outcome)> done)
      : clock_(clock),
        timers_(timers),
        net_(net),
        address_(address),
        probe_(probe),
        done_(std::move(done)),
        began_(clock.now()) {
    give_up_timer_ =
        timers_.at(began_ + allowed_start(probe), [this] { finish(Prober::Outcome::kFailed); });
    retry_timer_ = timers_.at(began_ + probe.initial_delay, [this] { attempt(); });
  }

 private:
  void attempt() {
    if (probe_.kind == StartupProbe::Kind::kAlive) return finish(Prober::Outcome::kPassed);
    sent_ = 0;
    answer_.clear();
    timeout_timer_ = timers_.after(probe_.timeout, [this] { retry(); });
    connecting_ = net_.connect(address_, [this](Result<std::unique_ptr<io::Stream>> stream) {
      connected(std::move(stream));
    });
  }

  void connected(Result<std::unique_ptr<io::Stream>> stream) {
    if (!stream) return retry();
    if (probe_.kind == StartupProbe::Kind::kTcp) return finish(Prober::Outcome::kPassed);
    stream_ = *std::move(stream);
    request_ = request_text(address_, probe_);
    stream_->set_events(this);
    on_writable();
  }

  void on_writable() override {
    while (stream_ != nullptr && sent_ < request_.size()) {
      const std::string_view rest = std::string_view(request_).substr(sent_);
      const io::Transfer moved = stream_->write({&rest, 1});
      if (moved.state == io::Transfer::State::kWouldBlock) return;
      if (moved.state != io::Transfer::State::kMoved) return retry();
      sent_ += moved.bytes;
    }
  }

  void on_readable() override {
    std::array<char, kMostRead> buffer;
    while (stream_ != nullptr) {
      const io::Transfer moved = stream_->read(std::span(buffer).first(kMostRead - answer_.size()));
      if (moved.state == io::Transfer::State::kWouldBlock) return;
      if (moved.state != io::Transfer::State::kMoved) return retry();
      answer_.append(buffer.data(), moved.bytes);
      const auto status = parse_status(answer_);
      if (!status) continue;
      if (*status >= 200 && *status < 400) return finish(Prober::Outcome::kPassed);
      return retry();
    }
  }

  void retry() {
    drop_connection();
    const Duration passed = clock_.now() - began_ - probe_.initial_delay;
    retry_timer_ = timers_.after(std::clamp(passed / 20, kShortestPause, kLongestPause),
                                 [this] { attempt(); });
  }

  void drop_connection() {
    timeout_timer_.cancel();
    connecting_.reset();
    stream_.reset();
  }

  /// Last: this may be destroyed inside.
  void finish(Prober::Outcome outcome) {
    drop_connection();
    retry_timer_.cancel();
    give_up_timer_.cancel();
    const auto done = std::move(done_);
    done(outcome);
  }

  io::Clock& clock_;
  io::Timers& timers_;
  io::Net& net_;
  io::SocketAddress address_;
  StartupProbe probe_;
  std::function<void(Prober::Outcome)> done_;
  Instant began_;
  std::string request_;
  size_t sent_ = 0;
  std::string answer_;
  std::unique_ptr<io::Connecting> connecting_;
  std::unique_ptr<io::Stream> stream_;
  io::Timer give_up_timer_;
  io::Timer retry_timer_;
  io::Timer timeout_timer_;
};

}  // namespace

std::unique_ptr<Probing> TcpProber::probe(const io::SocketAddress& address,
                                          const StartupProbe& probe,
                                          std::function<void(Outcome)> done) {
  return std::make_unique<Attempts>(clock_, timers_, net_, address, probe, std::move(done));
}

}  // namespace thaw::serving
