// 8-bit products with AVX-512's VNNI: four products of bytes are added in 32 bits at once.
#include "tensor/int8.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "tensor/int8_avx512.h"
#include "tensor/kernel_tables.h"

namespace thaw::tensor {
namespace {

constexpr int kTileRows = 12;  // times two panels: 24 sums of 32 registers
constexpr int kTallRows = 24;  // times one
constexpr int kFour = kPanel * kInt8Group;
constexpr int kPrefetchBytes = 2048;

/// A tile of c: rows of one or two panels.
struct Tile {
  const Int8Product& product;
  const int8_t* b;
  size_t b_stride;  // to the second panel
  int row;
  int column;
};

/// sum += the products of the fours of a and b. By hand, because GCC 12 copies the sum before and
/// after the intrinsic, which halves the speed.
THAW_VNNI_INLINE void add_fours(__m512i& sum, __m512i a, __m512i b) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
}

/// The sums of Rows rows. A list rather than an array, because GCC 12 keeps no array in registers.
template <int Rows, int Panels>
struct Sums {
  __m512i low, high;
  Sums<Rows - 1, Panels> rest;

  THAW_VNNI_INLINE void clear() {
    low = high = _mm512_setzero_si512();
    rest.clear();
  }
  THAW_VNNI_INLINE void add(const uint8_t* a, size_t stride, __m512i left, __m512i right) {
    int four;
    std::memcpy(&four, a, sizeof(four));
    const __m512i factor = _mm512_set1_epi32(four);
    add_fours(low, factor, left);
    if constexpr (Panels > 1) add_fours(high, factor, right);
    rest.add(a + stride, stride, left, right);
  }
  THAW_VNNI_INLINE void put_all(const Tile& tile, int row) const {
    put_sums(tile.product, row, tile.column, low);
    if constexpr (Panels > 1) put_sums(tile.product, row, tile.column + kPanel, high);
    rest.put_all(tile, row + 1);
  }
};

template <int Panels>
struct Sums<0, Panels> {
  THAW_VNNI_INLINE void clear() {}
  THAW_VNNI_INLINE void add(const uint8_t*, size_t, __m512i, __m512i) {}
  THAW_VNNI_INLINE void put_all(const Tile&, int) const {}
};

template <int Rows, int Panels>
THAW_VNNI void add_tile(const Tile& tile) {
  const Int8Product& p = tile.product;
  const uint8_t* a = p.a + static_cast<size_t>(tile.row) * p.a_stride;
  const int8_t *left = tile.b, *right = left + tile.b_stride;
  Sums<Rows, Panels> sums;
  sums.clear();
  const int depth = int8_depth(p.depth);
  for (int k = 0; k < depth; k += kInt8Group, a += kInt8Group, left += kFour, right += kFour) {
    _mm_prefetch(reinterpret_cast<const char*>(left + kPrefetchBytes), _MM_HINT_T0);
    __m512i second = _mm512_setzero_si512();
    if constexpr (Panels > 1) {
      _mm_prefetch(reinterpret_cast<const char*>(right + kPrefetchBytes), _MM_HINT_T0);
      second = _mm512_loadu_si512(right);
    }
    sums.add(a, p.a_stride, _mm512_loadu_si512(left), second);
  }
  sums.put_all(tile, tile.row);
}

using AddTile = void (*)(const Tile& tile);
template <int Panels, int... Rows>
constexpr std::array<AddTile, sizeof...(Rows)> tiles(std::integer_sequence<int, Rows...>) {
  return {add_tile<Rows + 1, Panels>...};
}
constexpr auto kTiles = tiles<2>(std::make_integer_sequence<int, kTileRows>());
constexpr auto kTallTiles = tiles<1>(std::make_integer_sequence<int, kTallRows>());

void multiply(const Int8Product& p, int first, int last) {
  const size_t stride = static_cast<size_t>(int8_depth(p.depth)) * kPanel;
  // A few rows more than a tile go in one tall tile a panel, which reads its matrix evenly.
  const int together = p.rows > kTileRows && p.rows <= kTallRows ? 1 : 2;
  for (int block = 0; block < p.rows; block += kRowBlock) {
    const int end = std::min(p.rows, block + kRowBlock);
    for (int panel = first; panel < last; panel += together) {
      const int panels = std::min(together, last - panel);
      const int tallest = panels > 1 ? kTileRows : kTallRows;
      Tile tile = {p, p.b + static_cast<size_t>(panel) * stride, stride, block, panel * kPanel};
      for (int left = (end - block + tallest - 1) / tallest; left > 0; --left) {
        const int rows = (end - tile.row + left - 1) / left;
        const auto index = static_cast<size_t>(rows) - 1;
        panels > 1 ? kTiles[index](tile) : kTallTiles[index](tile);
        tile.row += rows;
      }
    }
  }
  finish_product(p, first, last);
}

}  // namespace

const Int8Kernels* avx512_int8() {
  static const Int8Kernels kernels = [] {
    Int8Kernels made;
    const bool can = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
    if (can && avx2_int8()) made = {255, avx2_int8()->quantise, multiply};
    return made;
  }();
  return kernels.levels > 0 ? &kernels : nullptr;
}

}  // namespace thaw::tensor

#else

namespace thaw::tensor {
const Int8Kernels* avx512_int8() { return nullptr; }
}  // namespace thaw::tensor

#endif
