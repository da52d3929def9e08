// Shares: how a product is dealt out to threads: blocks of its rows and of its panels of columns.
//
// Thread: any; a value. Owner: itself. Limits: none.
#pragma once

#include <algorithm>

namespace thaw::tensor {

/// A block of a product: `rows` rows from first_row on, panels first_panel..last_panel-1.
struct Share {
  int first_row, rows;
  int first_panel, last_panel;
};

/// Shares of about the same size, a few a thread, so that a late thread costs a part of one. Panels
/// are dealt out first, each share getting enough of them to read its rows once for many; then rows
/// where those left are too few; and where there are neither, single panels.
class Shares {
 public:
  Shares(int rows, int panels, int threads) : rows_(rows), panels_(panels) {
    if (threads <= 1) return;
    const int wanted = kSharesAThread * threads;
    panel_parts_ = std::clamp(panels / kFewestPanels, 1, wanted);
    row_parts_ = std::clamp(parts_left(wanted, panel_parts_), 1, std::max(1, rows / kFewestRows));
    panel_parts_ = std::clamp(parts_left(wanted, row_parts_), 1, std::max(1, panels));
  }

  int count() const { return row_parts_ * panel_parts_; }
  Share operator[](int index) const {
    const int row_part = index % row_parts_, panel_part = index / row_parts_;
    const int first = rows_ * row_part / row_parts_;
    return {first, rows_ * (row_part + 1) / row_parts_ - first, first_panel(panel_part),
            first_panel(panel_part + 1)};
  }

 private:
  static constexpr int kSharesAThread = 4;
  static constexpr int kFewestPanels = 4, kFewestRows = 48;

  static int parts_left(int wanted, int parts) { return (wanted + parts - 1) / parts; }
  /// Panels go by pairs, which kernels work on together, while there are enough.
  int first_panel(int part) const {
    const int step = panels_ >= 2 * panel_parts_ ? 2 : 1;
    return std::min(panels_, (panels_ / step + panels_ % step) * part / panel_parts_ * step);
  }

  int rows_, panels_;
  int row_parts_ = 1, panel_parts_ = 1;
};

}  // namespace thaw::tensor
