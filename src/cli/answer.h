// A yes or no from whoever sits at the terminal. Thread: the caller's of run(). Owner: none.
// Limits: a line of 1000 bytes.
#pragma once

#include <string>

namespace thaw::cli {

/// Whether standard input is a terminal.
bool is_asking_possible();
/// A line of it without its end; "" at its end.
std::string read_answer();

}  // namespace thaw::cli
