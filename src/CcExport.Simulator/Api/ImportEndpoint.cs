using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using CcExport.Simulator.Jobs;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary><c>POST /v3/activities/contacts_json_import</c>: looks at the shape, answers, and leaves the rows to the job.</summary>
internal static class ImportEndpoint
{
    private const int HardLimit = 64_000_000;

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation) =>
        routes.MapPost("/v3/activities/contacts_json_import", context => Import(context, simulation))
            .WithMetadata(new Needs("contacts:write", "contact_data"));

    private static async Task Import(HttpContext context, Simulation simulation)
    {
        SimulatorSwitches switches = simulation.Switches;
        (byte[] body, int length) = await ReadBody(context);
        bool handedOver = false;
        try
        {
            bool tooLong = length > ImportShape.MaxBytes;
            if (tooLong) RefuseOversize(switches);
            ImportShape shape = ImportShape.Check(body.AsSpan(0, length));
            if (shape.Problem is { } problem) throw ApiException.Validation(problem);
            if (shape.Dropped > 0) RefuseOversize(switches);

            ImportJob job;
            lock (simulation.Gate)
            {
                CheckQueue(simulation);
                CheckLists(simulation, shape.ListIds);
                if (switches is { ContactLimit: { } limit, ContactLimitMode: ContactLimitMode.RefuseCall })
                    CheckPlan(simulation.Account, body.AsSpan(shape.RowsStart, length - shape.RowsStart), shape.Rows, limit);
                job = new ImportJob(simulation.Ids.Guid(), simulation.Jobs.NextSequence, simulation.Now, body, length, shape);
                simulation.Jobs.Add(job);
                handedOver = true;
            }

            await Reply.Json(context, simulation, 201, json => ActivityEndpoints.Write(json, job, simulation));
            simulation.Notify();
        }
        finally
        {
            if (!handedOver) ArrayPool<byte>.Shared.Return(body);
        }
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

    private static void CheckPlan(Account account, ReadOnlySpan<byte> rows, int count, int limit)
    {
        int fresh = 0;
        var reader = new Utf8JsonReader(rows, isFinalBlock: false, state: default);
        reader.Read();
        for (int row = 0; row < count; row++)
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isEmail = reader.ValueTextEquals("email"u8);
                reader.Read();
                if (!isEmail || reader.TokenType != JsonTokenType.String) continue;
                int index = account.Contacts.Find(reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : reader.ValueSpan);
                if (index < 0 || account.Contacts[index].Deleted) fresh++;
            }
        }

        if (account.ActiveContacts + fresh > limit)
        {
            throw new ApiException(403, "contact_limit_exceeded",
                $"The plan of this account allows {limit} contacts. It has {account.ActiveContacts}; this request would add {fresh}.");
        }
    }

    /// <summary>Straight from the pipe into a pooled buffer, which the job keeps until it has run.</summary>
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
