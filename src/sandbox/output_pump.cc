#include "sandbox/output_pump.h"

#include <array>
#include <utility>

namespace thaw::sandbox {
namespace {

constexpr size_t kPerTurn = 64 << 10;
constexpr size_t kMostAtClose = 1 << 20;  // a pipe holds this much at most, by default 64 KiB

}  // namespace

OutputPump::OutputPump(io::Loop& loop, std::unique_ptr<io::Stream> stream,
                       LineReader::OnLine on_line, std::function<void()> on_end)
    : loop_(loop),
      stream_(std::move(stream)),
      lines_(std::move(on_line)),
      on_end_(std::move(on_end)) {
  if (stream_ != nullptr) stream_->set_events(this);
}

OutputPump::~OutputPump() = default;

void OutputPump::pump() {
  if (stream_ == nullptr) return;
  std::array<char, 16 << 10> buffer;
  for (size_t taken = 0; taken < kPerTurn;) {
    const io::Transfer moved = stream_->read(buffer);
    if (moved.state == io::Transfer::State::kWouldBlock) return;
    if (moved.state != io::Transfer::State::kMoved) return end();
    taken += moved.bytes;
    lines_.feed(std::string_view(buffer.data(), moved.bytes));
  }
  next_turn_ = loop_.after(Duration::zero(), [this] { pump(); });
}

void OutputPump::drain_and_close() {
  if (stream_ == nullptr) return;
  std::array<char, 16 << 10> buffer;
  for (size_t taken = 0; taken < kMostAtClose;) {
    const io::Transfer moved = stream_->read(buffer);
    if (moved.state != io::Transfer::State::kMoved) break;
    taken += moved.bytes;
    lines_.feed(std::string_view(buffer.data(), moved.bytes));
  }
  stream_ = nullptr;
  lines_.finish();
}

void OutputPump::end() {
  stream_ = nullptr;
  lines_.finish();
  std::exchange(on_end_, nullptr)();
}

}  // namespace thaw::sandbox
