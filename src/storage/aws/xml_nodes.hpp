// Elements of an XML answer by their names, in any namespace. Pure.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"

namespace walwrap::storage {

// The name without its namespace prefix.
std::string_view local_name(const pugi::xml_node& node);
// The first element with that name. Empty if there is none.
pugi::xml_node child(const pugi::xml_node& parent, std::string_view name);
std::string text_of(const pugi::xml_node& parent, std::string_view name);
// <Error>, or <ErrorResponse><Error> as STS wraps it. Empty: not an error.
pugi::xml_node error_node(const pugi::xml_node& root);

// The document's element. Corrupt: it is not XML, or its element is not `root`.
Result<pugi::xml_node> load_xml(pugi::xml_document& document, std::string_view xml,
                                std::string_view root);

}  // namespace walwrap::storage
