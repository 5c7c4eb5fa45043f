using CcExport.Engine.ConstantContact;
using CcExport.Engine.Profiles;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>Reads a list back through the service's contact export: a job, and then a CSV file that is read as it comes.</summary>
internal sealed class ListReader(ConstantContactClient client, TimeProvider time, UploadOptions options)
{
    private const string EmailHeading = "Email address", FirstNameHeading = "First name", LastNameHeading = "Last name";

    /// <summary>The members of a list. <c>ListNotReadable</c> when the service does not give them.</summary>
    /// <param name="names">Names to compare; what the service's file does not have of them is not compared.</param>
    public Task<ListContent> ReadAsync(string listId, NameFields names, CancellationToken ct)
    {
        string[] fields = ["email_address", .. (names & NameFields.First) != 0 ? ["first_name"] : Array.Empty<string>(), .. (names & NameFields.Last) != 0 ? ["last_name"] : Array.Empty<string>()];
        return ReadAsync(listId, fields, [], names, ct);
    }

    /// <summary>Everybody in the account who has unsubscribed.</summary>
    public Task<ListContent> ReadUnsubscribedAsync(CancellationToken ct) => ReadAsync(null, ["email_address"], ["unsubscribed"], NameFields.None, ct);

    /// <summary>
    /// Rows of a contact export as they come: address, and the values of <paramref name="headings"/> as far as the file has them. When the line is cut half-way
    /// <paramref name="begin"/> is called again, and all come anew.
    /// </summary>
    /// <param name="listId">The list; null: the whole account.</param>
    /// <param name="fields">What to ask for, by the names of the service.</param>
    /// <param name="begin">Told which of the headings the file has; what was read before counts for nothing.</param>
    /// <param name="take">Takes some rows: the address is column 0, the headings follow; those that the file lacks repeat the address.</param>
    /// <param name="mostPolls">Looks at the job, at most: they come at longer and longer intervals then; null: as many as it takes.</param>
    /// <param name="expected">How long its job took before: it is not looked at sooner.</param>
    /// <returns>How long the job took.</returns>
    public async Task<TimeSpan> ReadRowsAsync(
        string? listId, string[] fields, string[] status, string[] headings, Action<bool[]> begin, Func<ProfileBatch, CancellationToken, ValueTask> take, CancellationToken ct,
        int? mostPolls = null, TimeSpan? expected = null)
    {
        long began = time.GetTimestamp();
        Activity job = await EndOfAsync(await client.StartExportAsync(listId, fields, status, ct).ConfigureAwait(false), mostPolls, expected ?? default, ct).ConfigureAwait(false);
        TimeSpan took = time.GetElapsedTime(began);
        try
        {
            if (!await client.ReadExportAsync(job, (file, t) => FillAsync(file, headings, begin, take, t), ct).ConfigureAwait(false)) throw NotReadable("its file is not there");
            return took;
        }
        catch (CcException e) when (e.Kind == CcErrorKind.InvalidData)
        {
            throw NotReadable("its file is broken");
        }
    }

    private async Task<ListContent> ReadAsync(string? listId, string[] fields, string[] status, NameFields names, CancellationToken ct)
    {
        ListContent? content = null;
        try
        {
            await ReadRowsAsync(listId, fields, status, [FirstNameHeading, LastNameHeading], has =>
            {
                content?.Dispose();
                content = new ListContent(names & ((has[0] ? NameFields.First : NameFields.None) | (has[1] ? NameFields.Last : NameFields.None)));
            }, (batch, _) =>
            {
                for (int row = 0; row < batch.Rows; row++) content!.Add(batch[row, 0], batch[row, 1], batch[row, 2]);
                return default;
            }, ct).ConfigureAwait(false);
            (ListContent whole, content) = (content!, null);
            return whole;
        }
        finally
        {
            content?.Dispose();
        }
    }

    private async Task<Activity> EndOfAsync(Activity job, int? mostPolls, TimeSpan expected, CancellationToken ct)
    {
        // With few looks the waits grow faster, to some minutes: an hour's job is then given up in time, a minute's is not.
        int growth = mostPolls is null ? 2 : 5, polls = 0;
        TimeSpan longest = mostPolls is null ? options.MaxListPoll : options.MaxPoll;
        string? results = job.ResultsHref;
        long began = time.GetTimestamp();
        int missing = 0;
        // A look is a call of the day's ten thousand, a second more of waiting is nothing. Seen to be over is later than over: a little less, so that it does not grow from run to run.
        TimeSpan first = expected * 0.95;
        if (first > options.FirstPoll) await Task.Delay((first < longest ? first : longest) - options.FirstPoll, time, ct).ConfigureAwait(false);
        for (TimeSpan wait = options.FirstPoll; ; wait = wait * growth < longest ? wait * growth : longest)
        {
            await Task.Delay(wait, time, ct).ConfigureAwait(false);
            Activity? seen = await client.GetActivityAsync(job.ActivityId, ct).ConfigureAwait(false);
            missing = seen is null ? missing + 1 : 0;
            if (missing >= options.PollsWithoutJob) throw NotReadable("its job is no longer known");
            if (seen is { State: "completed" }) return seen with { ResultsHref = seen.ResultsHref ?? results };
            if (seen is { IsTerminal: true }) throw NotReadable($"its job ended as '{seen.State}'");
            if (++polls >= mostPolls || time.GetElapsedTime(began) > options.ListDeadline) throw NotReadable("its job did not end in time");
        }
    }

    private static async Task FillAsync(Stream file, string[] headings, Action<bool[]> begin, Func<ProfileBatch, CancellationToken, ValueTask> take, CancellationToken ct)
    {
        const string place = "the contact export";
        var reader = new CsvReader(file, new CsvFormat { Delimiter = (byte)',' }, place);
        IReadOnlyList<string> columns = await reader.ReadHeaderAsync(ct).ConfigureAwait(false);
        int email = Find(columns, EmailHeading);
        if (email < 0) throw NotReadable($"its file has no column '{EmailHeading}'");
        int[] asked = [.. headings.Select(h => Find(columns, h))];
        begin([.. asked.Select(at => at >= 0)]);
        await foreach (ProfileBatch batch in reader.ReadAsync([email, .. asked.Select(at => at < 0 ? email : at)], 1, ct).ConfigureAwait(false))
        {
            for (int row = 0; row < batch.Rows; row++)
            {
                if (batch.FaultOf(row) != RowFault.None) throw NotReadable("a line of its file is broken");
            }
            await take(batch, ct).ConfigureAwait(false);
        }
    }

    private static int Find(IReadOnlyList<string> columns, string heading)
    {
        for (int i = 0; i < columns.Count; i++)
        {
            if (columns[i].TrimStart('\uFEFF').Equals(heading, StringComparison.OrdinalIgnoreCase)) return i;
        }
        return -1;
    }

    private static CcException NotReadable(string why) => new("ListNotReadable", CcErrorKind.Service, $"The list could not be read back: {why}.",
        "Resume-CcRun -Verify tries again later.");
}
