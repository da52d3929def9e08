#include "doctor/import_times.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace thaw::doctor {
namespace {

Duration us(int64_t value) { return std::chrono::microseconds(value); }

TEST(ImportLine, HasTwoTimesAndADepth) {
  const auto module = parse_import_line("import time:       123 |        456 |     json.decoder");
  ASSERT_TRUE(module);
  EXPECT_EQ(module->name, "json.decoder");
  EXPECT_EQ(module->depth, 2);
  EXPECT_EQ(module->self, us(123));
  EXPECT_EQ(module->total, us(456));
  EXPECT_EQ(parse_import_line("import time: 1 | 2 | os")->depth, 0);
}

TEST(ImportLine, OtherLinesAreNone) {
  for (const char* line :
       {"", "import time: self [us] | cumulative | imported package", "import time:", "hello",
        "import time: 1 | 2", "import time: 1 | 2 |", "import time: -1 | 2 | x",
        "import time: 1 | 99999999999999999999 | x", "import time: 1x | 2 | x"}) {
    EXPECT_FALSE(parse_import_line(line)) << line;
  }
}

TEST(CompiledLine, NamesSourcesAndNotByteCode) {
  EXPECT_EQ(parse_compiled_line("# code object from /app/x.py"), "/app/x.py");
  EXPECT_EQ(parse_compiled_line("# code object from '/app/x y.py'"), "/app/x y.py");
  EXPECT_FALSE(parse_compiled_line("# code object from '/app/__pycache__/x.cpython-311.pyc'"));
  EXPECT_FALSE(parse_compiled_line("# code object from "));
  EXPECT_FALSE(parse_compiled_line("code object from /app/x.py"));
}

TEST(ImportTree, PutsWhatWasImportedBelowWhoImportedIt) {
  const std::vector<ImportedModule> modules = {{"c", 2, us(1), us(1)},
                                               {"b", 1, us(2), us(3)},
                                               {"d", 1, us(4), us(4)},
                                               {"a", 0, us(5), us(12)},
                                               {"e", 0, us(7), us(7)}};
  const ImportNode root = import_tree(modules);
  EXPECT_EQ(root.total, us(19));
  ASSERT_EQ(root.children.size(), 2U);
  EXPECT_EQ(root.children[0].name, "a");
  ASSERT_EQ(root.children[0].children.size(), 2U);
  EXPECT_EQ(root.children[0].children[0].children.at(0).name, "c");
  EXPECT_EQ(root.children[1].name, "e");
}

TEST(ImportTree, WorkersThatImportTheSameCountOnce) {
  const std::vector<ImportedModule> modules = {
      {"app", 0, us(9), us(9)}, {"app", 0, us(11), us(11)}, {"app", 0, us(10), us(10)}};
  EXPECT_EQ(total_of(modules), us(11));
  ASSERT_EQ(import_tree(modules).children.size(), 1U);
  EXPECT_EQ(import_tree(modules).children[0].total, us(11));
}

TEST(FlamePage, IsOneFileWhoseDataANameCannotLeave) {
  const std::string page = flame_page({{"</script><b>", 0, us(3), us(3)}}, "Imports of <me> & you");
  EXPECT_EQ(page.find("</script><b>"), std::string::npos);
  EXPECT_NE(page.find("<title>Imports of &lt;me> &amp; you</title>"), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos) << "nothing is loaded";
  EXPECT_EQ(page.find("href="), std::string::npos);
  const std::string before = "type=\"application/json\">";
  const size_t from = page.find(before) + before.size();
  const auto data = Json::parse(page.substr(from, page.find("</script>", from) - from));
  ASSERT_TRUE(data);
  EXPECT_EQ((*data)["c"].as_array()[0]["n"].as_string(), "</script><b>");
  EXPECT_EQ((*data)["t"].as_int(), 3);
}

}  // namespace
}  // namespace thaw::doctor
