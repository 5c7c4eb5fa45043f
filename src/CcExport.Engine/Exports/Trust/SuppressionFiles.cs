using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Exports;

/// <summary>
/// Files of addresses that are not to be sent: one address a line, or CSV or JSON lines with a column for it; all that segments may be written in. An address that
/// was not read would be sent, so whatever cannot be read to its end is an error.
/// </summary>
internal static class SuppressionFiles
{
    private static readonly string[] Names = ["EMAIL", "EMAILADDRESS"];

    /// <summary>Returns how many lines are no address. <c>SuppressionUnreadable</c>.</summary>
    public static async Task<long> ReadAsync(IReadOnlyList<string> paths, Action<UInt128> take, CancellationToken ct)
    {
        long wrong = 0;
        foreach (string path in paths)
        {
            try
            {
                wrong += await ReadAsync(path, take, ct).ConfigureAwait(false);
            }
            catch (CcException e) when (e.ErrorId != "SuppressionUnreadable")
            {
                throw Unreadable(path, e.Message, e.Remedy, e);
            }
        }
        return wrong;
    }

    private static async Task<long> ReadAsync(string path, Action<UInt128> take, CancellationToken ct)
    {
        long wrong = 0;
        FileSource source = FileSource.Open(path);
        foreach (Segment segment in await source.GetSegmentsAsync(ct).ConfigureAwait(false))
        {
            IReadOnlyList<string> columns = await source.GetColumnsAsync(segment.Name, ct).ConfigureAwait(false);
            string[] asked = [.. columns.Where(IsEmail)];
            FileSource from = source;
            if (asked.Length == 0)
            {
                // What is first is shown in no message: it may be a person.
                if (columns.Count != 1) throw Unreadable(path, $"'{path}' has no column 'email', and more than one.", "Name the column with the addresses email, or give a file with one address a line.", null);
                asked = ["email"];
                from = FileSource.Open(path, new FileSourceOptions(Header: asked));
            }
            await foreach (ProfileBatch batch in from.ReadAsync(segment.Name, asked, ct).ConfigureAwait(false)) wrong += Take(path, batch, take);
        }
        return wrong;
    }

    private static long Take(string path, ProfileBatch batch, Action<UInt128> take)
    {
        long wrong = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            // Where the address stands in such a row nobody knows; and passed over, it would be sent.
            if (batch.FaultOf(row) != RowFault.None)
            {
                throw Unreadable(path, FormattableString.Invariant($"Row {batch.FirstRow + row:N0} of '{path}' does not fit its header."),
                    "Put values that hold the delimiter into quotes, or give a file with one address a line and nothing else.", null);
            }
            bool any = false;
            for (int column = 0; column < batch.Columns; column++)
            {
                if (AddressHash.Of(batch[row, column], out UInt128 hash) != EmailVerdict.Good) continue;
                take(hash);
                any = true;
            }
            if (!any) wrong++;
        }
        return wrong;
    }

    /// <summary>email, E-Mail, Email address, email_address and the like.</summary>
    private static bool IsEmail(string column) => Names.Contains(string.Concat(column.Where(char.IsAsciiLetter)).ToUpperInvariant(), StringComparer.Ordinal);

    private static CcException Unreadable(string path, string message, string? remedy, Exception? cause) => new("SuppressionUnreadable", CcErrorKind.InvalidData,
        $"A file of addresses that must not be sent cannot be read, so nothing is done. {message}", remedy ?? "Mend the file.", cause)
    { Subject = path };
}
