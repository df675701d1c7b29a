(namespace_declaration name: (_) @name) @namespace
(class_declaration name: (_) @name) @definition
(interface_declaration name: (_) @name) @definition
(struct_declaration name: (_) @name) @definition
(record_declaration name: (_) @name) @definition
(enum_declaration name: (_) @name) @definition
(delegate_declaration name: (_) @name) @definition
(method_declaration name: (_) @name) @definition
(constructor_declaration name: (_) @name) @definition
(destructor_declaration name: (_) @name) @definition
(local_function_statement name: (_) @name) @definition
(property_declaration name: (_) @name) @constant
(event_declaration name: (_) @name) @constant
(field_declaration (variable_declaration (variable_declarator name: (_) @name))) @constant
(event_field_declaration (variable_declaration (variable_declarator name: (_) @name))) @constant
(enum_member_declaration name: (_) @name) @constant
