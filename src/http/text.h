// Small pieces of HTTP's grammar: tokens, case, lists. Thread: any. Source: RFC 9110, section 5.
#pragma once

#include <string>
#include <string_view>

namespace thaw::http {

/// ASCII only, as header names and hosts are compared.
bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string lower_case(std::string_view text);
/// A character of a method or header name (tchar).
bool is_token_char(char c);
bool is_token(std::string_view text);
/// Visible characters, space, tab and bytes from 0x80; no control character.
bool is_field_value(std::string_view text);
/// Without blanks and control characters, so that it ends nowhere but at its end.
bool is_target(std::string_view text);
/// What may stand in a host with its port; nothing that would end it in a target or a header.
bool is_host(std::string_view text);
/// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);
/// Whether the comma-separated `list` has `token`, in any case.
bool list_has(std::string_view list, std::string_view token);

/// Calls `each` with every element of a comma-separated list, trimmed; empty ones are left out.
template <class Each>
void for_each_element(std::string_view list, Each each) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty()) each(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace thaw::http
