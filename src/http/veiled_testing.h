// Veiled: a stream that says it is through TLS, and may hold back what is written, as one does
// whose client takes nothing. For tests. **Thread**: the loop's. **Owner**: itself.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "io/encryption.h"
#include "io/flushing.h"
#include "io/net.h"
#include "io_linux/loop_testing.h"

namespace thaw::http {

class Veiled final : public io::Stream, public io::Encryption, public io::Flushing {
 public:
  explicit Veiled(std::unique_ptr<io::Stream> below) : below_(std::move(below)) {}
  ~Veiled() override {
    if (holding == this) holding = nullptr;
  }
  bool is_encrypted() const override { return true; }
  io::Transfer read(std::span<char> into) override { return below_->read(into); }
  io::Transfer write(std::span<const std::string_view> parts) override {
    if (!holds) return below_->write(parts);
    holding = this;
    size_t size = 0;
    for (const std::string_view part : parts) {
      held_ += part;
      size += part.size();
    }
    return {io::Transfer::State::kMoved, size};
  }
  void shutdown_write() override {
    is_shut_ = true;
    if (held_.empty()) below_->shutdown_write();
  }
  bool is_flushed() const override { return held_.empty(); }
  /// The client takes what was written meanwhile.
  void let_go() {
    io_linux::write_text(*below_, std::exchange(held_, {}));
    if (!is_shut_) return;
    below_->shutdown_write();
    events_->on_writable();  // may destroy this
  }
  void set_events(io::StreamEvents* events) override {
    events_ = events;
    below_->set_events(events);
  }
  io::SocketAddress peer() const override { return below_->peer(); }

  inline static bool holds = false;         // as if the clients took nothing
  inline static Veiled* holding = nullptr;  // the last that does

 private:
  std::unique_ptr<io::Stream> below_;
  io::StreamEvents* events_ = nullptr;
  std::string held_;
  bool is_shut_ = false;
};

class VeiledNet final : public io::Net {
 public:
  explicit VeiledNet(io::Net& below) : below_(below) {}
  Result<std::unique_ptr<io::Listener>> listen(const io::SocketAddress& at,
                                               OnAccept on_accept) override {
    return below_.listen(at, [on_accept = std::move(on_accept)](auto stream) {
      on_accept(std::make_unique<Veiled>(std::move(stream)));
    });
  }
  std::unique_ptr<io::Connecting> connect(const io::SocketAddress& to,
                                          OnConnect on_connect) override {
    return below_.connect(to, std::move(on_connect));
  }

 private:
  io::Net& below_;
};

}  // namespace thaw::http
