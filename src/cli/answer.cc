#include "cli/answer.h"

#include <unistd.h>

namespace thaw::cli {

bool is_asking_possible() { return ::isatty(STDIN_FILENO) == 1; }

std::string read_answer() {
  std::string line;
  char c = 0;
  while (line.size() < 1000 && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

}  // namespace thaw::cli
