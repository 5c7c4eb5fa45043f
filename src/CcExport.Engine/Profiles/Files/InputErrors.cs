using System.Globalization;

namespace CcExport.Engine.Profiles;

/// <summary>
/// What can be wrong with an input file before anybody asks what its columns mean. Each says what was found and what to do
/// next; none shows the file's text, which is people's data.
/// </summary>
internal static class InputErrors
{
    private const string WindowsSharingViolation = "80070020", WindowsLockViolation = "80070021";
    private const string LinuxWouldBlock = "0000000B", MacWouldBlock = "00000023";
    private const string LinuxLinkLoop = "00000028", MacLinkLoop = "0000003E";

    /// <summary>What the system says about opening a file, in words.</summary>
    public static CcException Opening(string path, Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => NotFound(path, e),
        UnauthorizedAccessException => new("InputAccessDenied", CcErrorKind.Permission, $"'{path}' may not be read by this user.",
            "Grant this user the right to read the file, or run as a user who has it.", e)
        { Subject = path },
        IOException when Code(e) is WindowsSharingViolation or WindowsLockViolation or LinuxWouldBlock or MacWouldBlock => Locked(path, e),
        IOException when Code(e) == (OperatingSystem.IsMacOS() ? MacLinkLoop : LinuxLinkLoop) => LinkLoop(path, e),
        PathTooLongException or ArgumentException or NotSupportedException => new("InputNotFound", CcErrorKind.NotFound,
            $"'{path}' cannot be the name of a file on this system.", "Check the path.", e)
        { Subject = path },
        _ => Unreadable(path, 0, e),
    };

    private static string Code(Exception e) => e.HResult.ToString("X8", CultureInfo.InvariantCulture);

    public static CcException NotFound(string path, Exception? e = null) => new("InputNotFound", CcErrorKind.NotFound,
        $"'{path}' does not exist.",
        Path.IsPathFullyQualified(path) ? "Check the path." : $"Check the path; it was looked for from '{Environment.CurrentDirectory}'.", e)
    { Subject = path };

    public static CcException BrokenLink(string path, string target) => new("InputNotFound", CcErrorKind.NotFound,
        $"'{path}' is a symbolic link to '{target}', which does not exist.", "Restore the file that it points to, or name the file itself.")
    { Subject = path };

    public static CcException LinkLoop(string path, Exception? e = null) => new("InputLinkLoop", CcErrorKind.InvalidData,
        $"'{path}' is a symbolic link that leads back to itself.", "Remove the link, or name the file itself.", e)
    { Subject = path };

    public static CcException IsDirectory(string path) => new("InputIsDirectory", CcErrorKind.InvalidArgument,
        $"'{path}' is a folder where a file is needed.", "Name a file in it.")
    { Subject = path };

    public static CcException NotAFile(string path) => new("InputNotAFile", CcErrorKind.InvalidArgument,
        $"'{path}' is a device or a pipe, not an ordinary file.", "Copy the data into a file, or pipe objects into the command.")
    { Subject = path };

    private static CcException Locked(string path, Exception e) => new("InputLocked", CcErrorKind.Conflict,
        $"'{path}' is locked by another program.", "Close the program that has it open (Excel, for example), or read a copy of it.", e)
    { Subject = path };

    public static CcException Empty(string path) => new("InputEmpty", CcErrorKind.InvalidData,
        $"'{path}' is empty: it does not even have a header. (A pipe or a device counts as empty, too.)",
        "Check that the program that writes it has finished and did not fail.")
    { Subject = path };

    public static CcException Unreadable(string path, long offset, Exception e) => new("InputUnreadable", CcErrorKind.InvalidData,
        $"'{path}' cannot be read{(offset > 0 ? $" beyond byte {N(offset)}" : "")}: {e.Message.TrimEnd('.')}.",
        "Check that the disk or network share is there, then run again.", e)
    { Subject = path };

    public static CcException Shrank(string path, long read, long length) => new("InputUnreadable", CcErrorKind.InvalidData,
        $"'{path}' vanished or was cut while it was read: {N(read)} of {N(length)} bytes were there.",
        "Run again when the program that writes it has finished.")
    { Subject = path };

    public static CcException Grew(string path) => new("InputChanged", CcErrorKind.InvalidData,
        $"'{path}' grew while it was read: another program is still writing it.", "Run again when that program has finished.")
    { Subject = path };

    public static CcException Changed(string path) => new("InputChanged", CcErrorKind.InvalidData,
        $"'{path}' changed while it was read.", "Run again when the program that writes it has finished.")
    { Subject = path };

    public static CcException GzipBroken(string path, Exception? e) => new("InputGzipBroken", CcErrorKind.InvalidData,
        $"'{path}' is a gzip file that is damaged or cut short.", "Copy or download it again; 'gzip -t' tells whether it is whole.", e)
    { Subject = path };

    public static CcException NotText(string path, string kind, string remedy) => new("InputNotText", CcErrorKind.InvalidData,
        $"'{path}' is {kind}, not a text file.", remedy)
    { Subject = path };

    public static CcException NotUtf8(InputPlace place, long line, long offset, byte wrong, EncodingGuess guess) => new("InputNotUtf8",
        CcErrorKind.InvalidData,
        $"'{place.Path}' is not UTF-8: line {N(line)}{Offset(place, offset)}: byte 0x{wrong:X2}.",
        guess switch
        {
            EncodingGuess.Windows1252 => "It looks like Windows-1252 (Western European): add -Encoding windows-1252.",
            EncodingGuess.Utf16 => "It looks like UTF-16: add -Encoding utf-16.",
            EncodingGuess.Utf16Big => "It looks like UTF-16, big-endian: add -Encoding utf-16BE.",
            _ => "Name the encoding in which it was saved, for example -Encoding windows-1252 or -Encoding shift_jis; if it was saved as "
                + "UTF-8, the file is damaged there.",
        })
    { Subject = place.Path };

    public static CcException Nul(InputPlace place, long line, long offset, EncodingGuess guess) => new("InputNulByte", CcErrorKind.InvalidData,
        $"'{place.Path}' holds a NUL byte: line {N(line)}{Offset(place, offset)}. Text files hold none.",
        guess switch
        {
            EncodingGuess.Utf16 when !place.Transcoded => "It looks like UTF-16: add -Encoding utf-16.",
            EncodingGuess.Utf16Big when !place.Transcoded => "It looks like UTF-16, big-endian: add -Encoding utf-16BE.",
            _ when place.Transcoded => "Check -Encoding: the file may be UTF-16, or no text at all.",
            _ => "It is a binary file, damaged, or UTF-16 text (then add -Encoding utf-16).",
        })
    { Subject = place.Path };

    public static CcException NotDecodable(InputPlace place, string encoding, long line, long offset, Exception e) => new("InputNotDecodable",
        CcErrorKind.InvalidData,
        $"'{place.Path}' is not {encoding}: line {N(line)}{Offset(place with { Transcoded = false }, offset)}.",
        "Give the encoding in which it was saved with -Encoding, or leave -Encoding out for UTF-8.", e)
    { Subject = place.Path };

    public static CcException ContradictsBom(string path, string asked, string found) => new("EncodingContradictsBom", CcErrorKind.InvalidArgument,
        $"'{path}' begins with the mark of {found}, but -Encoding says {asked}.", "Leave -Encoding out: the mark is enough.")
    { Subject = path };

    public static CcException RecordTooLong(string place, long line) => new("InputRecordTooLong", CcErrorKind.InvalidData,
        $"'{place}' has a record of over {Limits.RecordBytes / (1024 * 1024)} MB in line {N(line)}.",
        "Check that it is a text file with one record a line.")
    { Subject = place };

    /// <summary>Offsets are those of the text; what stands in a transcoded file at that place cannot be told.</summary>
    private static string Offset(InputPlace place, long offset)
        => place.Transcoded ? "" : $", byte offset {N(offset)}{(place.Compressed ? " of the decompressed text" : "")}";

    private static string N(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What a message about a file's text has to know of it.</summary>
internal sealed record InputPlace(string Path, bool Compressed = false, bool Transcoded = false);
