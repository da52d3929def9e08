// Checksums of contents: CRC32C, also of joined parts, and MD5, while the bytes go by.
//
// **Thread**: one at a time. **Owner**: values. **Limits**: none.
// Source: CRC32C is the Castagnoli polynomial of RFC 3720, B.4; joining by multiplication in GF(2).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace thaw::objects {

/// The CRC32C of what `crc` stands for followed by `bytes`; 0 stands for nothing.
uint32_t crc32c(uint32_t crc, std::string_view bytes);
/// That of two parts joined, from theirs and the second one's length.
uint32_t join_crc32c(uint32_t first, uint32_t second, int64_t second_size);
/// Base64 of its four bytes, the high one first: how Google's APIs write it.
std::string crc32c_text(uint32_t crc);
/// nullopt for what is no base64 of four bytes.
std::optional<uint32_t> parse_crc32c(std::string_view text);

/// The SHA-256 of a text, in small hex digits.
std::string sha256_hex(std::string_view text);

struct Checksums {
  uint32_t crc32c = 0;
  std::string md5;  // 16 bytes; empty: not known, as of composed objects
};

class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  ~Hasher();
  void add(std::string_view bytes);
  /// Of all that was added; ends it.
  Checksums finish();

 private:
  struct Md5;
  std::unique_ptr<Md5> md5_;
  uint32_t crc_ = 0;
};

}  // namespace thaw::objects
