// 8-bit products with AMX: 16 rows times 16 columns of 64 products each, in one instruction.
// (Intel 64 manual, volume 1, chapter 18; Linux, Documentation/arch/x86/xstate.rst.)
#include "tensor/int8.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "tensor/int8_avx512.h"

#define THAW_AMX __attribute__((target("amx-tile,amx-int8,avx512f,avx512dq,avx512bw,avx512vnni")))

namespace thaw::tensor {
namespace {

constexpr int kTile = 16;          // rows of a tile, and columns of a panel
constexpr int kBlock = 2 * kTile;  // rows worked on together
constexpr int kMostStep = 64;      // bytes of a tile's row
constexpr int kLeastStep = 32;     // less would leave most of a tile empty
constexpr int kRowsAMatrix = 384;  // rows that share one reading of the second factor
constexpr int kAhead = 2048;       // bytes of a panel
constexpr int kFewestRows = 13;    // fewer wait for the memory, and tiles are loaded in vain

/// The shapes of the eight registers, as LDTILECFG reads them.
struct alignas(64) Shapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

/// Registers 0 to 3 are sums (upper left, upper right, lower left, lower right), 4 and 5 rows of
/// the first factor, 6 and 7 panels of the second, `step` bytes of the depth at a time.
THAW_AMX void set_shapes(int upper, int lower, int step) {
  constexpr int kSumBytes = kTile * 4;
  Shapes shapes;
  const auto set = [&](int tile, int rows, int bytes) {
    shapes.rows[tile] = static_cast<uint8_t>(rows);
    shapes.row_bytes[tile] = static_cast<uint16_t>(rows > 0 ? bytes : 0);
  };
  for (const int tile : {0, 1}) set(tile, upper, kSumBytes);
  for (const int tile : {2, 3}) set(tile, lower, kSumBytes);
  set(4, upper, step);
  set(5, lower, step);
  for (const int tile : {6, 7}) set(tile, step / kInt8Group, kSumBytes);
  // Not the intrinsic: GCC 12's claims to read eight bytes, and the others are not written then.
  asm volatile("ldtilecfg %0" : : "m"(shapes));
}

/// Rows `row` to row + upper + lower of one or two panels.
struct Block {
  const Int8Product& product;
  int row, upper, lower, panel, step;
  bool is_first;  // of those that read the panel
};

THAW_AMX inline void fetch(const int8_t* tile) {
  constexpr int kLine = 64;
  for (int line = 0; line < kTile; ++line) {
    _mm_prefetch(reinterpret_cast<const char*>(tile + line * kLine), _MM_HINT_T0);
  }
}

template <bool HasLower, bool HasRight>
THAW_AMX void add_block(const Block& block) {
  const Int8Product& p = block.product;
  const auto depth = static_cast<size_t>(int8_depth(p.depth));
  const uint8_t* a = p.a + static_cast<size_t>(block.row) * p.a_stride;
  const uint8_t* below = a + static_cast<size_t>(kTile) * p.a_stride;
  const int8_t* left = p.b + static_cast<size_t>(block.panel) * kPanel * depth;
  const int8_t* right = left + kPanel * depth;
  const auto stride = static_cast<long>(p.a_stride);
  constexpr long kFour = kPanel * kInt8Group;
  _tile_zero(0);
  if constexpr (HasRight) _tile_zero(1);
  if constexpr (HasLower) _tile_zero(2);
  if constexpr (HasLower && HasRight) _tile_zero(3);
  for (size_t k = 0; k < depth; k += static_cast<size_t>(block.step)) {
    if (block.is_first) {
      fetch(left + k * kPanel + kAhead);
      if constexpr (HasRight) fetch(right + k * kPanel + kAhead);
    }
    _tile_loadd(4, a + k, stride);
    _tile_loadd(6, left + k * kPanel, kFour);
    _tile_dpbusd(0, 4, 6);
    if constexpr (HasRight) {
      _tile_loadd(7, right + k * kPanel, kFour);
      _tile_dpbusd(1, 4, 7);
    }
    if constexpr (HasLower) {
      _tile_loadd(5, below + k, stride);
      _tile_dpbusd(2, 5, 6);
      if constexpr (HasRight) _tile_dpbusd(3, 5, 7);
    }
  }
  constexpr int kColumns = 2 * kPanel;
  alignas(64) int32_t sums[kBlock * kColumns];
  constexpr long kSumStride = kColumns * sizeof(int32_t);
  _tile_stored(0, sums, kSumStride);
  if constexpr (HasRight) _tile_stored(1, sums + kPanel, kSumStride);
  if constexpr (HasLower) _tile_stored(2, sums + kTile * kColumns, kSumStride);
  if constexpr (HasLower && HasRight) _tile_stored(3, sums + kTile * kColumns + kPanel, kSumStride);
  for (int i = 0; i < block.upper + block.lower; ++i) {
    const int32_t* row = sums + i * kColumns;
    const int column = block.panel * kPanel;
    put_sums(p, block.row + i, column, _mm512_load_si512(row));
    if constexpr (HasRight) {
      put_sums(p, block.row + i, column + kPanel, _mm512_load_si512(row + kPanel));
    }
  }
}

void add(const Block& block, bool has_right) {
  const bool has_lower = block.lower > 0;
  if (has_right) return has_lower ? add_block<true, true>(block) : add_block<false, true>(block);
  has_lower ? add_block<true, false>(block) : add_block<false, false>(block);
}

/// How many bytes of the depth a tile takes so that all take as many; 0: none does well.
int step_of(int depth) {
  for (int step = kMostStep; step >= kLeastStep; step -= kInt8Group) {
    if (int8_depth(depth) % step == 0) return step;
  }
  return 0;
}

THAW_AMX void multiply(const Int8Product& p, int first, int last) {
  const int step = step_of(p.depth);
  if (step == 0 || p.rows < kFewestRows) return avx512_int8()->multiply(p, first, last);
  for (int begin = 0; begin < p.rows; begin += kRowsAMatrix) {
    const int end = std::min(p.rows, begin + kRowsAMatrix);
    const int whole = begin + (end - begin) / kBlock * kBlock;
    const int upper = std::min(kTile, end - whole), lower = end - whole - upper;
    for (int panel = first; panel < last; panel += 2) {
      const bool has_right = panel + 1 < last;
      if (whole > begin) set_shapes(kTile, kTile, step);
      for (int row = begin; row < whole; row += kBlock) {
        add({p, row, kTile, kTile, panel, step, row == begin}, has_right);
      }
      if (upper == 0) continue;
      set_shapes(upper, lower, step);
      add({p, whole, upper, lower, panel, step, whole == begin}, has_right);
    }
  }
  _tile_release();
  finish_product(p, first, last);
}

/// Whether the processor has the instructions, and the kernel lets the process use the registers.
bool may_use_tiles() {
  constexpr unsigned kFeatures = 7, kTiles = 1U << 24, kBytes = 1U << 25;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(kFeatures, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & kTiles) == 0 || (d & kBytes) == 0) return false;
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

const Int8Kernels* amx_int8() {
  static const Int8Kernels kernels = [] {
    Int8Kernels made;
    if (avx512_int8() && may_use_tiles()) made = {255, avx512_int8()->quantise, multiply};
    return made;
  }();
  return kernels.levels > 0 ? &kernels : nullptr;
}

}  // namespace thaw::tensor

#else

namespace thaw::tensor {
const Int8Kernels* amx_int8() { return nullptr; }
}  // namespace thaw::tensor

#endif
