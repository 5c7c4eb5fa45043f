using System.Globalization;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>Reads a job's counters: how many of a batch's contacts have which fate. Functions of plain values.</summary>
internal static class BatchVerdict
{
    /// <summary>
    /// Contacts are accepted only on proof: a completed job, all counters there, and a total of the batch's rows or one more.
    /// Whatever is not proved is unaccounted for.
    /// </summary>
    public static BatchOutcome Of(Activity? job, int rows, DateTimeOffset at)
    {
        if (job is null) return new BatchOutcome("gone", 0, 0, 0, rows, "The service no longer knows the job.", at);
        if (!job.IsTerminal) return new BatchOutcome("late", 0, 0, 0, rows, "The job had not ended at its deadline.", at);
        if (job.State != "completed") return new BatchOutcome(job.State, 0, 0, 0, rows, $"The job ended as '{job.State}'.", at);
        if (job is not { ItemsTotal: { } total, ErrorCount: { } errors, CorrectableCount: { } correctable, CannotAddToList: { } optedOut })
            return new BatchOutcome("completed", 0, 0, 0, rows, "The job completed without all of its counters.", at);
        long refused = errors + correctable;
        if ((total != rows && total != rows + 1) || errors < 0 || correctable < 0 || optedOut < 0 || refused + optedOut > rows)
            return new BatchOutcome("completed", 0, 0, 0, rows, $"The job completed with a total of {total} for {rows} contacts.", at);
        return new BatchOutcome("completed", (int)(rows - refused - optedOut), (int)optedOut, (int)refused, 0, null, at);
    }

    /// <summary>
    /// The rows that a job's messages name: <c>Line n: reason</c>, where line 1 is a heading, so row n - 2 of the batch. A line is
    /// believed once, and only inside the batch; what does not read like that names nobody.
    /// </summary>
    public static IReadOnlyList<(int Row, string Text)> NamedRows(IReadOnlyList<string> messages, int rows)
    {
        List<(int, string)> named = [];
        HashSet<int> seen = [];
        foreach (string message in messages)
        {
            if (!message.StartsWith("Line ", StringComparison.OrdinalIgnoreCase)) continue;
            int colon = message.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !int.TryParse(message.AsSpan(5, colon - 5), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int line)) continue;
            int row = line - 2;
            if (row >= 0 && row < rows && seen.Add(row)) named.Add((row, message[(colon + 1)..].Trim()));
        }
        return named;
    }
}
