#include "encoder/read_json.h"

#include "tokenize/files.h"

namespace thaw::encoder {

Result<Json> read_json(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, tokenize::read_text_file(path));
  auto json = Json::parse(text);
  if (!json) return std::move(json).error().with_context(path);
  return json;
}

}  // namespace thaw::encoder
