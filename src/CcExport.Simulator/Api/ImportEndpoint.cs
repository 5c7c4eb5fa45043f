using System.Buffers;
using System.IO.Pipelines;
using CcExport.Simulator.Jobs;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary><c>POST /v3/activities/contacts_json_import</c>: takes the rows out of the body, answers, and leaves them to the job.</summary>
internal static class ImportEndpoint
{
    private const int HardLimit = 64_000_000;

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation) =>
        routes.MapPost("/v3/activities/contacts_json_import", context => Import(context, simulation))
            .WithMetadata(new Needs("contacts:write", "contact_data"));

    private static async Task Import(HttpContext context, Simulation simulation)
    {
        SimulatorSwitches switches = simulation.Switches;
        ImportRequest request;
        byte[]? kept;
        (byte[] body, int length) = await ReadBody(context);
        try
        {
            if (length > ImportRequest.MaxBytes) RefuseOversize(switches);
            request = ImportRequest.Read(body.AsSpan(0, length), simulation.Account.Fields, switches);
            kept = switches.KeepImports ? body.AsSpan(0, length).ToArray() : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }

        if (request.Problem is { } problem) throw ApiException.Validation(problem);
        if (request.Dropped > 0) RefuseOversize(switches);
        ImportJob job;
        lock (simulation.Gate)
        {
            CheckQueue(simulation);
            CheckLists(simulation, request.ListIds);
            if (switches is { ContactLimit: { } limit, ContactLimitMode: ContactLimitMode.RefuseCall })
                CheckPlan(simulation.Account, request.Data, limit);
            job = new ImportJob(simulation.Ids.Guid(), simulation.Jobs.NextSequence, simulation.Now, request) { Body = kept };
            simulation.Jobs.Add(job);
        }

        await Reply.Json(context, simulation, 201, json => ActivityEndpoints.Write(json, job, simulation));
        simulation.Notify();
    }

    public static void CheckQueue(Simulation simulation)
    {
        if (simulation.Jobs.Unfinished >= simulation.Switches.QueueLimit)
        {
            throw new ApiException(429, "too_many_activities",
                $"You cannot exceed {simulation.Switches.QueueLimit} queued activities per account.");
        }
    }

    private static void RefuseOversize(SimulatorSwitches switches)
    {
        if (switches.Oversize == OversizeMode.PayloadTooLarge)
            throw new ApiException(413, "contacts.api.payload_too_large", "The request body is too large.");
        if (switches.Oversize == OversizeMode.BadRequest)
            throw ApiException.Validation("The request body exceeds 4 MB or 40,000 contacts.");
    }

    private static void CheckLists(Simulation simulation, IEnumerable<string> listIds)
    {
        string? missing = listIds.FirstOrDefault(id => simulation.Account.List(id) is not { DeletedAt: null });
        if (missing is null || simulation.Switches.UnknownList == UnknownListMode.FailedActivity) return;
        throw simulation.Switches.UnknownList == UnknownListMode.NotFound
            ? ApiException.NotFound($"list_id {missing} was not found.")
            : ApiException.Validation($"list_id {missing} does not exist.");
    }

    private static void CheckPlan(Account account, ReadOnlySpan<byte> rows, int limit)
    {
        int fresh = 0;
        var cursor = new RowCursor(rows);
        while (cursor.Next())
        {
            if (cursor.Fate != RowFate.Good) continue;
            int index = account.Contacts.Find(cursor.Email);
            if (index < 0 || account.Contacts[index].Deleted) fresh++;
        }

        if (account.ActiveContacts + fresh > limit)
        {
            throw new ApiException(403, "contact_limit_exceeded",
                $"The plan of this account allows {limit} contacts. It has {account.ActiveContacts}; this request would add {fresh}.");
        }
    }

    /// <summary>Straight from the pipe into a pooled buffer, given back when the rows are taken out of it.</summary>
    private static async Task<(byte[] Body, int Length)> ReadBody(HttpContext context)
    {
        long announced = context.Request.ContentLength ?? 0;
        if (announced > HardLimit) throw new ApiException(413, "contacts.api.payload_too_large", "The request body is too large.");
        byte[] body = ArrayPool<byte>.Shared.Rent((int)Math.Max(announced, 4_096));
        int length = 0;
        PipeReader reader = context.Request.BodyReader;
        try
        {
            while (true)
            {
                ReadResult result = await reader.ReadAsync(context.RequestAborted);
                foreach (ReadOnlyMemory<byte> part in result.Buffer)
                {
                    if (length + part.Length > HardLimit)
                        throw new ApiException(413, "contacts.api.payload_too_large", "The request body is too large.");
                    if (length + part.Length > body.Length) body = Larger(body, length, length + part.Length);
                    part.Span.CopyTo(body.AsSpan(length));
                    length += part.Length;
                }

                reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted) return (body, length);
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(body);
            throw;
        }
    }

    private static byte[] Larger(byte[] body, int length, int needed)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, body.Length * 2));
        body.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(body);
        return larger;
    }
}
