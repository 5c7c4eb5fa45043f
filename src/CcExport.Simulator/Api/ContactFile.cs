using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CcExport.Simulator.Jobs;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>Contacts as a stream of CSV or JSON lines. Taken in slices, so that neither the lock nor the memory is held for a million.</summary>
internal static class ContactFile
{
    private const int Slice = 4_000;

    private static readonly SearchValues<char> NeedQuotes = SearchValues.Create("\",\r\n");

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation) =>
        routes.MapGet("/v3/contact_exports/{id}", context => Results(context, simulation))
            .WithMetadata(new Needs("contacts:read", "contact_data"));

    /// <summary>Writes what <paramref name="write"/> makes of the chosen contacts.</summary>
    public static async Task Stream(
        HttpContext context, Simulation simulation, string type, IEnumerable<int> chosen, string? head, Action<StringBuilder, int> write)
    {
        context.Response.ContentType = type;
        var text = new StringBuilder(head);
        using IEnumerator<int> contacts = chosen.GetEnumerator();
        bool more = true;
        while (more)
        {
            lock (simulation.Gate)
            {
                for (int taken = 0; taken < Slice && (more = contacts.MoveNext()); taken++) write(text, contacts.Current);
            }

            foreach (ReadOnlyMemory<char> chunk in text.GetChunks())
            {
                Encoding.UTF8.GetBytes(chunk.Span, context.Response.BodyWriter);
            }

            text.Clear();
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        }
    }

    public static void Csv(StringBuilder text, IEnumerable<string?> values)
    {
        bool first = true;
        foreach (string? value in values)
        {
            if (!first) text.Append(',');
            first = false;
            if (value.AsSpan().ContainsAny(NeedQuotes)) text.Append('"').Append(value!.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
            else text.Append(value);
        }

        text.Append("\r\n");
    }

    /// <summary>The file of a list for an independent check: all that is known, by the names of the import.</summary>
    public static Task Dump(HttpContext context, Simulation simulation, ContactList list, bool csv)
    {
        Account account = simulation.Account;
        IEnumerable<int> members = Enumerable.Range(0, account.Contacts.Count)
            .Where(i => !account.Contacts[i].Deleted && account.Sets.Contains(account.Contacts[i].Lists, list.Number));
        if (!csv)
        {
            return Stream(context, simulation, "application/x-ndjson; charset=utf-8", members, null, (text, index) =>
            {
                ContactView view = simulation.View(index);
                var line = new SortedDictionary<string, string>(view.Fields.ToDictionary(), StringComparer.Ordinal)
                {
                    ["contact_id"] = view.Id,
                    ["email"] = view.Email,
                    ["permission"] = view.Permission,
                };
                text.Append(JsonSerializer.Serialize(line, AdminJson.Plain)).Append('\n');
            });
        }

        List<string> names = [.. account.Fields.Standard.Skip(1).Select(f => f.Name), .. account.Fields.Custom.Select(c => c.Field.Name)];
        var head = new StringBuilder();
        Csv(head, ["email", "permission", .. names]);
        return Stream(context, simulation, "text/csv; charset=utf-8", members, head.ToString(), (text, index) =>
        {
            ContactView view = simulation.View(index);
            Csv(text, [view.Email, view.Permission, .. names.Select(view.Fields.GetValueOrDefault)]);
        });
    }

    private static Task Results(HttpContext context, Simulation simulation)
    {
        string id = ActivityEndpoints.Id(context);
        ExportJob? job;
        lock (simulation.Gate)
        {
            job = simulation.Jobs.Known(simulation.Now).OfType<ExportJob>().FirstOrDefault(j => j.FileId == id);
        }

        if (job is not { State: JobState.Completed }) throw ApiException.NotFound("file_export_id was not found.");
        Account account = simulation.Account;
        var statuses = new StatusFilter(job.Statuses);
        IEnumerable<int> chosen = job.Choice.Of(account).Where(i => statuses.Has(account.Contacts[i]));
        List<(string Heading, Func<ContactView, string?> Value)> columns = Columns(account, job.Fields);
        var head = new StringBuilder();
        Csv(head, columns.Select(c => c.Heading));
        return Stream(context, simulation, "text/csv", chosen, head.ToString(), (text, index) =>
        {
            ContactView view = simulation.View(index);
            Csv(text, columns.Select(c => c.Value(view)));
        });
    }

    /// <summary>With the headings that people read, not the names that calls use.</summary>
    private static List<(string Heading, Func<ContactView, string?> Value)> Columns(Account account, IReadOnlyList<string> fields)
    {
        bool all = fields.Count == 0;
        var columns = new List<(string, Func<ContactView, string?>)>();
        if (all || fields.Contains("email_address"))
        {
            columns.Add(("Email address", v => v.Email));
            columns.Add(("Email status", v => v.Permission == "unsubscribed" ? "Unsubscribed" : "Active"));
            columns.Add(("Email permission status", v => v.Permission));
            columns.Add(("Email update source", _ => "Import"));
        }

        foreach (Field field in account.Fields.Standard.Skip(1))
        {
            if (all || fields.Contains(field.Name)) columns.Add((field.Heading, v => v.Fields.GetValueOrDefault(field.Name)));
        }

        foreach (CustomField custom in account.Fields.Custom)
        {
            if (all || fields.Contains(custom.Id)) columns.Add((custom.Label, v => v.Fields.GetValueOrDefault(custom.Field.Name)));
        }

        columns.Add(("Source Name", _ => "Account"));
        columns.Add(("Created At", v => Stamp(v.CreatedAt)));
        columns.Add(("Updated At", v => Stamp(v.UpdatedAt)));
        return columns;
    }

    private static string Stamp(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
