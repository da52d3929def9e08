// Helpers for this room's tests: turning the loop until something holds.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "io/net.h"
#include "io_linux/epoll_loop.h"

namespace thaw::io_linux {

/// Takes turns until `done`; fails the test after two minutes, which only a hang reaches.
inline void run_until(EpollLoop& loop, const std::function<bool()>& done) {
  const Instant give_up = loop.now() + seconds(120);
  while (!done()) {
    ASSERT_LT(loop.now(), give_up) << "waited in vain";
    loop.turn(seconds(1));
  }
}

/// Collects all that a stream says.
class Collector final : public io::StreamEvents {
 public:
  explicit Collector(std::unique_ptr<io::Stream> s) : stream(std::move(s)) {
    stream->set_events(this);
  }
  void on_readable() override {
    char buffer[4096];
    while (stream != nullptr) {
      const io::Transfer t = stream->read(buffer);
      if (t.state == io::Transfer::State::kMoved) text.append(buffer, t.bytes);
      if (t.state == io::Transfer::State::kEnd) ended = true;
      if (t.state == io::Transfer::State::kBroken) error = t.error;
      if (t.state != io::Transfer::State::kMoved) return;
    }
  }
  void on_writable() override { ++writable; }

  std::unique_ptr<io::Stream> stream;
  std::string text;
  bool ended = false;
  int error = 0;
  int writable = 0;
};

inline io::Transfer write_text(io::Stream& stream, std::string_view text) {
  return stream.write(std::span(&text, 1));
}

}  // namespace thaw::io_linux
