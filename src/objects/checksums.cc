#include "objects/checksums.h"

#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <utility>

#include "base/base64.h"
#include "base/check.h"
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace thaw::objects {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}
constexpr auto kTable = make_table();

uint32_t extend_portable(uint32_t state, std::string_view bytes) {
  for (const char c : bytes) {
    state = (state >> 8) ^ kTable[(state ^ static_cast<unsigned char>(c)) & 0xff];
  }
  return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t extend_sse(uint32_t state, std::string_view bytes) {
  uint64_t wide = state;
  while (bytes.size() >= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    wide = _mm_crc32_u64(wide, word);
    bytes.remove_prefix(sizeof word);
  }
  state = static_cast<uint32_t>(wide);
  for (const char c : bytes) state = _mm_crc32_u8(state, static_cast<unsigned char>(c));
  return state;
}
const bool kHasSse = __builtin_cpu_supports("sse4.2") != 0;
#endif

/// The product of two polynomials modulo the Castagnoli one, bits reflected (x^0 is the top bit).
uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

/// x^(8 n): what n bytes more multiply a remainder by.
uint32_t power_of_bytes(int64_t n) {
  uint32_t result = 1u << 31;        // 1
  uint32_t square = 1u << (31 - 8);  // x^8
  for (; n > 0; n >>= 1) {
    if ((n & 1) != 0) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

}  // namespace

uint32_t crc32c(uint32_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  if (kHasSse) return ~extend_sse(~crc, bytes);
#endif
  return ~extend_portable(~crc, bytes);
}

uint32_t join_crc32c(uint32_t first, uint32_t second, int64_t second_size) {
  return multiply(first, power_of_bytes(second_size)) ^ second;
}

std::string crc32c_text(uint32_t crc) {
  const std::array bytes = {static_cast<char>(crc >> 24), static_cast<char>(crc >> 16),
                            static_cast<char>(crc >> 8), static_cast<char>(crc)};
  return base64({bytes.data(), bytes.size()});
}

std::optional<uint32_t> parse_crc32c(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() != 4) return std::nullopt;
  uint32_t crc = 0;
  for (const char c : *bytes) crc = (crc << 8) | static_cast<unsigned char>(c);
  return crc;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1,
        "OpenSSL has SHA-256");
  std::string hex;
  for (const unsigned char byte : digest) {
    for (const int half : {byte >> 4, byte & 15}) hex += "0123456789abcdef"[half];
  }
  return hex;
}

struct Hasher::Md5 {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Md5() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher() : md5_(std::make_unique<Md5>()) {
  CHECK(EVP_DigestInit_ex(md5_->context, EVP_md5(), nullptr) == 1, "OpenSSL has MD5");
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::add(std::string_view bytes) {
  crc_ = crc32c(crc_, bytes);
  EVP_DigestUpdate(md5_->context, bytes.data(), bytes.size());
}

Checksums Hasher::finish() {
  std::array<unsigned char, 16> digest{};
  EVP_DigestFinal_ex(md5_->context, digest.data(), nullptr);
  return {crc_, std::string(digest.begin(), digest.end())};
}

}  // namespace thaw::objects
