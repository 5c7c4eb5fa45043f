using System.Text.Json;
using System.Text.Json.Nodes;
using CcExport.Simulator.Api;
using CcExport.Simulator.Jobs;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Admin;

/// <summary>What the page, and whoever asks, sees of the service as it stands.</summary>
internal static class AdminState
{
    private const int Latest = 14;
    private const int Looked = 200_000;

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        void Get(string path, Func<HttpContext, object?> read) =>
            routes.MapGet("/admin/" + path, context => AdminEndpoints.Answer(context, () => read(context)));
        Get("state", context => State(simulation, Request.Query(context, "list")));
        Get("stats", _ => new { calls = simulation.Statistics(), tokens = simulation.TokenLog });
        Get("options", _ => simulation.Switches);
        Get("faults", _ => Faults(simulation));
        Get("calls", _ => simulation.Calls());
        Get("memberships", _ => simulation.MembershipLog);
        Get("activities", _ => simulation.Activities());
        routes.MapDelete("/admin/stats", context => AdminEndpoints.Answer(context, () =>
        {
            lock (simulation.Gate) simulation.CallLog.Clear();
            return null;
        }));
    }

    private static object State(Simulation simulation, string? listId)
    {
        lock (simulation.Gate)
        {
            simulation.AdvanceJobs();
            Account account = simulation.Account;
            ContactList shown = (listId is null ? null : account.List(listId))
                ?? account.Lists.Where(l => l.DeletedAt is null).MaxBy(l => l.Members) ?? account.Lists[0];
            DateTimeOffset now = simulation.Now;
            return new
            {
                now,
                contacts = new
                {
                    total = account.Contacts.Count,
                    active = account.ActiveContacts,
                    unsubscribed = account.Count(Permission.Unsubscribed),
                    limit = simulation.Switches.ContactLimit,
                },
                lists = simulation.Lists(),
                shown = new { shown.Id, shown.Name, contacts = LatestOf(simulation, shown) },
                jobs = simulation.Jobs.All.Reverse().Take(Latest).Select(j => new
                {
                    j.Id,
                    j.Kind,
                    state = Job.StateText(j.State),
                    j.Rows,
                    percent = ActivityEndpoints.PercentDone(j, now),
                    j.Persons,
                    j.Errors,
                    j.Correctable,
                    j.CannotAdd,
                    j.CreatedAt,
                    j.CompletedAt,
                    message = j.Messages.Count > 0 ? j.Messages[0] : null,
                }).ToList(),
                jobsTotal = simulation.Jobs.All.Count,
                jobsUnfinished = simulation.Jobs.Unfinished,
                calls = new
                {
                    simulation.CallLog.Total,
                    simulation.Rates.Today,
                    simulation.Switches.CallsPerDay,
                    simulation.Switches.CallsPerSecond,
                    simulation.Switches.RateLimit,
                    simulation.CallLog.MaxInAnySecond,
                    simulation.CallLog.Refused,
                    bars = simulation.CallLog.Bars().Select(b => new[] { b.Passed, b.Refused }).ToList(),
                    latest = simulation.CallLog.Latest.Skip(Math.Max(0, simulation.CallLog.Latest.Count - Latest)).Reverse().ToList(),
                },
                tokens = simulation.TokenLog,
                devices = simulation.Tokens.Devices.Where(d => d.Allowed is null && d.ExpiresAt > now).Select(d => d.UserCode).ToList(),
                faults = Faults(simulation),
                switches = Changed(simulation.Switches),
                storeBytes = account.Contacts.Bytes,
            };
        }
    }

    private static List<object> LatestOf(Simulation simulation, ContactList list)
    {
        Account account = simulation.Account;
        List<object> latest = [];
        int last = account.Contacts.Count - 1;
        for (int index = last; index >= 0 && last - index < Looked && latest.Count < Latest; index--)
        {
            if (!account.Sets.Contains(account.Contacts[index].Lists, list.Number)) continue;
            ContactView view = simulation.View(index);
            latest.Add(new
            {
                view.Email,
                name = $"{view.Fields.GetValueOrDefault("first_name")} {view.Fields.GetValueOrDefault("last_name")}".Trim(),
                view.Permission,
                view.CreatedAt,
            });
        }

        return latest;
    }

    private static object Faults(Simulation simulation)
    {
        lock (simulation.Gate)
        {
            return simulation.FaultBook.Entries.Select(e => new { e.Rule.Match, e.Rule.Effect, seen = e.Seen, met = e.Met }).ToList();
        }
    }

    /// <summary>Only what differs from the defaults is worth a line.</summary>
    private static JsonObject Changed(SimulatorSwitches switches)
    {
        JsonObject now = JsonSerializer.SerializeToNode(switches, AdminJson.Web)!.AsObject();
        JsonObject usual = JsonSerializer.SerializeToNode(new SimulatorSwitches(), AdminJson.Web)!.AsObject();
        var changed = new JsonObject();
        foreach ((string name, JsonNode? value) in now)
        {
            if (!JsonNode.DeepEquals(value, usual[name])) changed[name] = value?.DeepClone();
        }

        return changed;
    }
}
