// ByteCount: a size in bytes as a type. Thread: any. Owner: values.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace thaw {

struct ByteCount {
  int64_t value = 0;

  auto operator<=>(const ByteCount&) const = default;
  constexpr double gib() const { return static_cast<double>(value) / (1024.0 * 1024 * 1024); }
};

constexpr ByteCount kib(int64_t n) { return {n << 10}; }
constexpr ByteCount mib(int64_t n) { return {n << 20}; }
constexpr ByteCount gib(int64_t n) { return {n << 30}; }

/// "512 MiB", "1.25 GiB", "300 B": for people.
std::string format_bytes(ByteCount size);

}  // namespace thaw
