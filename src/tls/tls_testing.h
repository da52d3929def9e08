// For tests: an authority in a folder of its own, files, and a stream that hesitates.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "io_linux/local_disk.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "tls/authority.h"
#include "tls/certificates.h"

namespace thaw::tls {

inline WallTime day(int number) { return WallTime(std::chrono::hours(24 * (20'000 + number))); }

/// A folder that goes with its test.
class Folder {
 public:
  Folder() {
    std::string pattern = testing::TempDir() + "thaw-tls-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { EXPECT_TRUE(disk.remove_tree(path_)); }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }
  /// Written anew with another inode, as editors and certbot do.
  std::string put(std::string_view name, std::string_view text, mode_t mode = 0600) {
    const std::string path = *this / name;
    EXPECT_TRUE(disk.write_file_durably(path, text));
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  io_linux::LocalDisk disk;

 private:
  std::string path_;
};

/// Gives and takes less than it could, and now and then nothing, by a seed.
class Hesitant final : public io::Stream, private io::StreamEvents {
 public:
  Hesitant(io::Loop& loop, std::unique_ptr<io::Stream> below, unsigned seed)
      : loop_(loop), below_(std::move(below)), random_(seed) {}

  io::Transfer read(std::span<char> into) override {
    if (random_() % 3 == 0) {
      again_ = loop_.after(Duration::zero(), [this] { on_readable(); });
      return {io::Transfer::State::kWouldBlock};
    }
    return below_->read(into.first(std::min<size_t>(into.size(), 1 + random_() % 20'000)));
  }
  io::Transfer write(std::span<const std::string_view> parts) override {
    if (random_() % 3 == 0) {
      later_ = loop_.after(Duration::zero(), [this] { on_writable(); });
      return {io::Transfer::State::kWouldBlock};
    }
    const std::string_view part = parts.front().substr(0, 1 + random_() % 20'000);
    return below_->write({&part, 1});
  }
  void shutdown_write() override { below_->shutdown_write(); }
  void set_events(io::StreamEvents* events) override {
    events_ = events;
    below_->set_events(events != nullptr ? this : nullptr);
    again_ = loop_.after(Duration::zero(), [this] { on_readable(); });
  }
  io::SocketAddress peer() const override { return below_->peer(); }

 private:
  void on_readable() override {
    if (events_ != nullptr) events_->on_readable();
  }
  void on_writable() override {
    if (events_ != nullptr) events_->on_writable();
  }

  io::Loop& loop_;
  std::unique_ptr<io::Stream> below_;
  io::StreamEvents* events_ = nullptr;
  std::mt19937 random_;
  io::Timer again_, later_;
};

/// A net whose streams hesitate, all by one seed.
class HesitantNet final : public io::Net {
 public:
  HesitantNet(io::Net& below, io::Loop& loop, unsigned seed)
      : below_(below), loop_(loop), seed_(seed) {}
  Result<std::unique_ptr<io::Listener>> listen(const io::SocketAddress& address,
                                               OnAccept on_accept) override {
    return below_.listen(address, [this, on_accept = std::move(on_accept)](auto stream) {
      on_accept(std::make_unique<Hesitant>(loop_, std::move(stream), ++seed_));
    });
  }
  std::unique_ptr<io::Connecting> connect(const io::SocketAddress& address,
                                          OnConnect on_connect) override {
    return below_.connect(address, [this, on_connect = std::move(on_connect)](auto stream) {
      if (!stream) return on_connect(std::move(stream));
      on_connect(std::make_unique<Hesitant>(loop_, *std::move(stream), ++seed_));
    });
  }

 private:
  io::Net& below_;
  io::Loop& loop_;
  unsigned seed_;
};

}  // namespace thaw::tls
