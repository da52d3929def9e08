#include "tensor/shares.h"

#include <gtest/gtest.h>

#include <vector>

namespace thaw::tensor {
namespace {

TEST(Shares, EachPartOfAProductIsInOne) {
  for (const int threads : {1, 2, 3, 8, 64}) {
    for (const int rows : {1, 2, 16, 47, 48, 97, 500, 3072}) {
      for (const int panels : {1, 2, 3, 5, 6, 9, 48, 49, 192}) {
        const Shares shares(rows, panels, threads);
        std::vector<int> times(static_cast<size_t>(rows * panels));
        for (int i = 0; i < shares.count(); ++i) {
          const Share share = shares[i];
          ASSERT_GT(share.rows, 0);
          ASSERT_LT(share.first_panel, share.last_panel);
          for (int row = share.first_row; row < share.first_row + share.rows; ++row) {
            for (int panel = share.first_panel; panel < share.last_panel; ++panel) {
              ++times.at(static_cast<size_t>(row * panels + panel));
            }
          }
        }
        ASSERT_EQ(times, std::vector<int>(times.size(), 1))
            << rows << " rows, " << panels << " panels, " << threads << " threads";
      }
    }
  }
}

TEST(Shares, OneThreadDoesAllAtOnce) { EXPECT_EQ(Shares(3072, 48, 1).count(), 1); }

TEST(Shares, AWideMatrixIsSharedByItsPanels) {
  const Shares shares(128, 48, 2);
  EXPECT_EQ(shares.count(), 8);
  EXPECT_EQ(shares[3].rows, 128);
  EXPECT_EQ(shares[3].last_panel - shares[3].first_panel, 6);
}

TEST(Shares, ANarrowMatrixOfManyRowsIsSharedByItsRows) {
  const Shares shares(1500, 6, 2);
  EXPECT_EQ(shares.count(), 8);
  EXPECT_EQ(shares[3].last_panel - shares[3].first_panel, 6);
}

TEST(Shares, AFewRowsAreSharedByThePanel) {
  EXPECT_EQ(Shares(16, 6, 2).count(), 6);
  EXPECT_EQ(Shares(1, 1, 8).count(), 1);
}

TEST(Shares, PanelsGoByPairs) {
  const Shares shares(3000, 48, 5);
  for (int i = 0; i < shares.count(); ++i) EXPECT_EQ(shares[i].first_panel % 2, 0) << i;
}

}  // namespace
}  // namespace thaw::tensor
