#include "io/entropy.h"

namespace thaw::io {

std::string Entropy::name(int length) {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string text;
  for (int i = 0; i < length; ++i) text += kDigits[next() % 36];
  return text;
}

}  // namespace thaw::io
