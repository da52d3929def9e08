// A model's packed panels as files: made at the first start, used at the next, left alone when they
// are not its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "encoder/damaged_folder_testing.h"
#include "encoder/model.h"
#include "encoder/panel_places.h"

namespace thaw::encoder {
namespace {
namespace fs = std::filesystem;

using From = Arena::Filled::From;
using testing::HasSubstr;

class Panels : public testing::Test {
 protected:
  Panels() {
    std::string path = testing::TempDir() + "panels-XXXXXX";
    root_ = mkdtemp(path.data());
    fs::copy(THAW_SOURCE_DIR "/tests/data/encoders/distilbert-qa", folder_ = root_ + "/model");
    for (const auto& entry : fs::directory_iterator(folder_)) {
      fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
    }
  }
  ~Panels() override { fs::remove_all(root_); }

  std::unique_ptr<Model> open(std::vector<std::string> folders) {
    ModelOptions options = {.threads = 2};
    options.panel_folders = std::move(folders);
    options.least_panel_bytes = 1;
    return Model::open(folder_, options).value();
  }
  /// What the model makes of a few tokens.
  static std::vector<float> output(const Model& model) {
    const std::vector<Sequence> sequences = {{{2, 7, 9, 11, 3}, {0, 0, 0, 0, 0}}};
    return model.encoder().run(sequences).rows;
  }

  std::string root_, folder_;
};

TEST_F(Panels, TheFirstStartPacksAndTheNextOneMaps) {
  const auto without = open({});
  EXPECT_EQ(without->report().filled.path, "");
  const auto expected = output(*without);
  {
    const auto first = open({folder_});
    EXPECT_EQ(first->report().filled.from, From::kPacked);
    EXPECT_EQ(first->report().filled.path, folder_ + "/thaw.f32x16.panels");
    EXPECT_EQ(output(*first), expected);
  }
  const auto next = open({folder_});
  EXPECT_EQ(next->report().filled.from, From::kCache);
  EXPECT_EQ(output(*next), expected);
}

TEST_F(Panels, AModelThatChangedInPlaceIsPackedAgain) {
  open({folder_}).reset();
  const fs::path weights = folder_ + "/model.safetensors";
  const auto time = fs::last_write_time(weights);
  {
    // Another last tensor of the same length, as of a head that was trained further.
    std::fstream file(weights, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-4, std::ios::end);
    file.write("\1\2\3", 3);
  }
  fs::last_write_time(weights, time);  // some tools set all times to the same
  const auto changed = open({folder_});
  EXPECT_EQ(changed->report().filled.from, From::kPacked);
  EXPECT_THAT(changed->report().filled.note, HasSubstr("made of other weights"));
}

TEST_F(Panels, AFileThatIsNoPanelsIsReplaced) {
  std::ofstream(folder_ + "/thaw.f32x16.panels") << "something else";
  EXPECT_EQ(open({folder_})->report().filled.from, From::kPacked);
  EXPECT_EQ(open({folder_})->report().filled.from, From::kCache);
}

TEST_F(Panels, WhereOneFolderCannotBeWrittenTheNextOneIs) {
  const std::string cache = root_ + "/home/.cache/thaw";
  open({"/proc/none", cache}).reset();
  const auto next = open({"/proc/none", cache});
  EXPECT_EQ(next->report().filled.from, From::kCache);
  EXPECT_THAT(next->report().filled.path, HasSubstr(cache + "/model-"));
  const auto perms = fs::status(cache).permissions();
  EXPECT_EQ(perms & fs::perms::others_all, fs::perms::none);
}

TEST_F(Panels, AFolderThatIsNotUsedIsNotMade) {
  const std::string cache = root_ + "/home/.cache/thaw";
  for (const From from : {From::kPacked, From::kCache}) {
    EXPECT_EQ(open({folder_, cache})->report().filled.from, from);
    EXPECT_FALSE(fs::exists(root_ + "/home"));
  }
}

TEST_F(Panels, WhereNothingCanBeWrittenItServesAllTheSame) {
  const auto model = open({"/proc/none"});
  EXPECT_EQ(model->report().filled.path, "");
  EXPECT_THAT(model->report().filled.note, HasSubstr("/proc/none"));
  EXPECT_EQ(output(*model), output(*open({})));
}

TEST_F(Panels, PrivateWeightsMakePrivatePanels) {
  fs::permissions(folder_ + "/model.safetensors", fs::perms::owner_read);
  open({folder_}).reset();
  EXPECT_EQ(fs::status(folder_ + "/thaw.f32x16.panels").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Panels, ModelsOfOnePlaceEachHaveAFileOfTheirOwn) {
  const std::vector<std::string> folders = {"/cache"};
  EXPECT_NE(panel_paths(folders, "/a/model", "f32x16"), panel_paths(folders, "/b/model", "f32x16"));
  EXPECT_EQ(panel_paths(folders, "/a/model", "f32x16"),
            panel_paths(folders, "/a/./model", "f32x16"));
}

TEST_F(Panels, AFolderKeepsTheNewestAndNoLeftovers) {
  const fs::path cache = root_ + "/cache";
  fs::create_directory(cache);
  const auto now = fs::file_time_type::clock::now();
  const auto put = [&](const std::string& name, int hours_ago) {
    std::ofstream(cache / name) << "x";
    fs::last_write_time(cache / name, now - std::chrono::hours(hours_ago));
  };
  for (size_t i = 0; i < kMostKept + 3; ++i)
    put(std::to_string(i) + ".panels", static_cast<int>(i));
  put("m.panels.abc123", 48);
  put("m.panels.def456", 1);
  put("notes.txt", 1000);
  trim_panels(cache / "0.panels");
  EXPECT_TRUE(fs::exists(cache / "0.panels"));
  EXPECT_TRUE(fs::exists(cache / "63.panels"));
  EXPECT_FALSE(fs::exists(cache / "64.panels"));
  EXPECT_FALSE(fs::exists(cache / "66.panels"));
  EXPECT_FALSE(fs::exists(cache / "m.panels.abc123"));
  EXPECT_TRUE(fs::exists(cache / "m.panels.def456")) << "its writer may be at work";
  EXPECT_TRUE(fs::exists(cache / "notes.txt"));
}

}  // namespace
}  // namespace thaw::encoder
