# Plain comments as Doxygen wants them: the first line speaks of the file, others
# of what follows, or of the member that they stand behind.
/\/\/ NOLINT/b
/\/\/ namespace/b
1s|^// |/// @file\n/// |
s|^\( *\)//$|\1///|
s|^\( *\)// |\1/// |
s|\([;,{] *\) // |\1 ///< |
