#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <utility>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

using testing::HasSubstr;

class EnvTest : public ApiTest {
 protected:
  std::vector<std::string> lines_of(const std::vector<std::string>& words) {
    EXPECT_EQ(thaw(words), 0) << terminal.err;
    std::vector<std::string> lines;
    std::istringstream text(terminal.out);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
};

TEST_F(EnvTest, PointsGcloudAtTheApiAndTakesItBack) {
  std::vector<std::string> unset = {"unset BOTO_CONFIG",  // those of a port with TLS
                                    "unset CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE"};
  for (const std::string& line : lines_of({"env"})) {
    ASSERT_EQ(line.rfind("export ", 0), 0u) << line;
    unset.push_back("unset " + line.substr(7, line.find('=') - 7));
  }
  EXPECT_THAT(terminal.out,
              HasSubstr("export CLOUDSDK_PROXY_PORT=" + std::to_string(api.address().port) + "\n"));
  EXPECT_THAT(terminal.out,
              HasSubstr("export CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN=http://run.local/\n"));
  EXPECT_THAT(lines_of({"env", "--unset"}), testing::UnorderedElementsAreArray(unset));
}

TEST_F(EnvTest, WorksWithoutAPlatform) {
  EXPECT_THAT(lines_of({"env", "--api-address", "127.0.0.1:9"}), testing::SizeIs(15));
}

TEST_F(EnvTest, TellsGsutilOfAPortWithTlsInWordsOfAShell) {
  api.on_json("GET /thaw/v1/endpoints",
              Json::object({{"boto", "/a b/$(rm x)'s/boto.cfg"}, {"authority", "/a/ca.pem"}}));
  const auto lines = lines_of({"env"});
  EXPECT_THAT(lines, testing::Contains("export BOTO_CONFIG='/a b/$(rm x)'\\''s/boto.cfg'"));
  EXPECT_THAT(lines, testing::Contains("export CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE=/a/ca.pem"));
}

}  // namespace
}  // namespace thaw::cli
