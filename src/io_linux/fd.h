// Fd: owns one file descriptor. Thread: any. Owner: move-only value; closes in the destructor.
#pragma once

#include <unistd.h>

#include <utility>

namespace thaw::io_linux {

class [[nodiscard]] Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset();
    number_ = other.release();
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void reset() {
    if (number_ >= 0) ::close(release());
  }

 private:
  int number_ = -1;
};

}  // namespace thaw::io_linux
