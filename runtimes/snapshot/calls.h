// System calls and the few functions of a C library that restore.cc needs, without a C library.
//
// The compiler must not turn loops into calls of memcpy and the like: -ffreestanding and
// -fno-builtin. Thread: the only one. Owner: none. Limits: none.
#pragma once

#include <cpuid.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>

namespace thaw::snapshot {

inline long call(long number, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0,
                 uint64_t e = 0, uint64_t f = 0) {
  register uint64_t r10 asm("r10") = d;
  register uint64_t r8 asm("r8") = e;
  register uint64_t r9 asm("r9") = f;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

inline uint64_t address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }
inline bool failed(long result) { return result < 0 && result > -4096; }

inline size_t length(const char* text) {
  size_t count = 0;
  while (text[count] != 0) ++count;
  return count;
}

inline bool same(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

inline bool begins(const char* text, const char* with) {
  while (*with != 0 && *text == *with) ++text, ++with;
  return *with == 0;
}

/// What the C library and others choose their code by: 12 words of cpuid without what differs
/// between the processors of one machine.
inline void read_cpu(uint32_t* words) {
  uint32_t unused = 0;
  __cpuid_count(0, 0, words[0], words[1], words[2], words[3]);
  __cpuid_count(1, 0, words[4], unused, words[5], words[6]);
  __cpuid_count(7, 0, unused, words[7], words[8], words[9]);
  __cpuid_count(0x80000001, 0, unused, unused, words[10], words[11]);
}

/// CRC-32 as zlib has it.
class Crc {
 public:
  Crc() {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t value = byte;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) * 0xedb88320U);
      table_[byte] = value;
    }
  }
  void add(const void* data, size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (size_t at = 0; at < size; ++at)
      value_ = table_[(value_ ^ bytes[at]) & 0xff] ^ (value_ >> 8);
  }
  uint32_t value() const { return ~value_; }

 private:
  uint32_t table_[256];
  uint32_t value_ = ~0U;
};

}  // namespace thaw::snapshot
