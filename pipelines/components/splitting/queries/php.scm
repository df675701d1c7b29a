(namespace_definition name: (_) @name body: (_)) @namespace
(function_definition name: (_) @name) @definition
(class_declaration name: (_) @name) @definition
(interface_declaration name: (_) @name) @definition
(trait_declaration name: (_) @name) @definition
(enum_declaration name: (_) @name) @definition
(method_declaration name: (_) @name) @definition
(const_declaration (const_element (name) @name)) @constant
(property_declaration (property_element name: (variable_name (name) @name))) @constant
(enum_case name: (_) @name) @constant
