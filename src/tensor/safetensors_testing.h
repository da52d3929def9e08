// Makes safetensors files for tests, right and wrong ones. Thread: any.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace thaw::tensor {

inline std::string safetensors_file(std::string_view header, std::string_view data) {
  std::string file;
  for (uint64_t rest = header.size(), i = 0; i < 8; ++i, rest >>= 8) {
    file += static_cast<char>(rest & 0xFF);
  }
  return file.append(header).append(data);
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// The bytes of numbers as a file holds them.
template <class T>
std::string raw(std::initializer_list<T> numbers) {
  std::string bytes(numbers.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), std::data(numbers), bytes.size());
  return bytes;
}

}  // namespace thaw::tensor
