#include "doctor/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "io_linux/local_disk.h"

namespace thaw::doctor {
namespace {

using ::testing::ElementsAre;

class TargetTest : public ::testing::Test {
 protected:
  TargetTest() {
    char folder[] = "/var/tmp/thaw-target-test-XXXXXX";
    root_ = ::mkdtemp(folder);
    for (const char* name : {"started-in", "app/sub", "conf"}) {
      std::filesystem::create_directories(root_ + "/" + name);
    }
    for (const char* name : {"started-in/own.py", "app/main.py", "app/sub/x.py", "conf/a.yaml"}) {
      EXPECT_TRUE(disk_.write_file(root_ + "/" + name, ""));
    }
  }
  ~TargetTest() override { EXPECT_TRUE(disk_.remove_tree(root_)); }

  std::vector<std::string> elsewhere(std::vector<std::string> command) {
    Request request;
    request.command = std::move(command);
    request.working_dir = root_ + "/started-in";
    const auto target = target_of(request, disk_, {"thaw", "serve"});
    EXPECT_TRUE(target) << target.error().message();
    EXPECT_EQ(target->directory, root_ + "/started-in");
    return target->elsewhere;
  }

  io_linux::LocalDisk disk_;
  std::string root_;
};

TEST_F(TargetTest, FoldersOfFilesThatTheCommandNamesElsewhereAreShown) {
  EXPECT_THAT(elsewhere({"python3", root_ + "/app/main.py"}), ElementsAre(root_ + "/app"));
  EXPECT_THAT(elsewhere({"python3", "../app/main.py", "--config=" + root_ + "/conf/a.yaml"}),
              ElementsAre(root_ + "/app", root_ + "/conf"));
  EXPECT_THAT(elsewhere({"python3", "own.py", "--chdir", root_ + "/conf/"}),
              ElementsAre(root_ + "/conf"));
}

TEST_F(TargetTest, AFolderInAnotherIsShownOnce) {
  EXPECT_THAT(elsewhere({"python3", root_ + "/app/sub/x.py", root_ + "/app/main.py"}),
              ElementsAre(root_ + "/app"));
  EXPECT_THAT(elsewhere({"python3", root_ + "/app/main.py", root_ + "/app/sub/x.py"}),
              ElementsAre(root_ + "/app"));
}

TEST_F(TargetTest, ItsOwnFolderTheSystemsAndWhatIsNotThereAreNot) {
  EXPECT_THAT(elsewhere({"/usr/bin/python3", root_ + "/started-in/own.py"}), ElementsAre());
  EXPECT_THAT(elsewhere({"python3", "/etc/passwd", "/nowhere/app.py", "http://a/b", "/"}),
              ElementsAre());
}

TEST_F(TargetTest, AFileStraightInTmpIsShownAlone) {
  char name[] = "/tmp/thaw-target-test-XXXXXX";
  const int file = ::mkstemp(name);
  EXPECT_THAT(elsewhere({"python3", name}), ElementsAre(name));
  ::unlink(name);
  ::close(file);
}

}  // namespace
}  // namespace thaw::doctor
