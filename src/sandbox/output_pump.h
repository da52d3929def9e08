// OutputPump: one output pipe of a program, read and handed on as lines.
//
// Reads at most 64 KiB a turn, so that a program that floods its output slows down itself and
// not the other instances. Thread: the loop's. Owner: loop and callbacks outlive it; dropping it
// closes the pipe. Limits: see LineReader.
#pragma once

#include <functional>
#include <memory>

#include "io/loop.h"
#include "io/net.h"
#include "sandbox/line_reader.h"

namespace thaw::sandbox {

class OutputPump final : private io::StreamEvents {
 public:
  /// `on_end` runs once, when the last writer has closed the pipe and all lines were handed on; it
  /// may destroy the pump. Never called inside the constructor. A null stream never ends.
  OutputPump(io::Loop& loop, std::unique_ptr<io::Stream> stream, LineReader::OnLine on_line,
             std::function<void()> on_end);
  ~OutputPump();

  bool ended() const { return stream_ == nullptr; }
  /// Reads what is there now and closes the pipe, whoever may still hold its other end.
  void drain_and_close();

 private:
  void on_readable() override { pump(); }
  void on_writable() override {}
  void pump();
  void end();

  io::Loop& loop_;
  std::unique_ptr<io::Stream> stream_;
  LineReader lines_;
  std::function<void()> on_end_;
  io::Timer next_turn_;
};

}  // namespace thaw::sandbox
