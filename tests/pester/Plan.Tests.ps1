BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Csv = Join-Path $Folder 'customers.csv'

    function Set-People([int] $Count) {
        'CustomerId,EMail,FirstName' + [Environment]::NewLine + (@(1..$Count | ForEach-Object { "$_,plan$_@example.com,N$_" }) -join [Environment]::NewLine) | Set-Content $Csv
    }

    Set-People 150
    Set-CcExport Planned -Connection Simulator -ListId $Simulator.ListId -Path $Csv -Map @{ email = 'EMail'; first_name = 'FirstName' }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'Get-CcPlan' {
    It 'says what will be, and Invoke-CcExport does it' {
        $plan = Get-CcPlan Planned
        $plan.Adds, $plan.Updates, $plan.Batches | Should -Be 150, 0, 1
        $queued = Get-CcRun -Export Planned -Last 1
        $queued.Status, $queued.Next | Should -Be 'Queued', "Invoke-CcExport -Plan $($plan.Id)"
        Remove-Item $Csv   # the source is not read again
        $run = $plan | Invoke-CcExport
        $run.Id | Should -Be $plan.Id
        $run.Status, $run.Sent, $run.Accepted | Should -Be 'Completed', 150, 150
        Set-People 150
    }

    It 'reads well in a pipeline, and takes exports from one' {
        $run = Get-CcExport Planned | Get-CcPlan | Invoke-CcExport
        $run.Status, $run.Sent | Should -Be 'Completed', 150
    }

    It 'plans piped objects and paths' {
        $to = @{ Connection = 'Simulator'; ListId = $Simulator.ListId; Map = @{ email = 'EMail' } }
        $plan = Import-Csv $Csv | Select-Object -First 5 | Get-CcPlan @to
        $plan.Export | Should -BeNullOrEmpty
        $plan.Updates | Should -Be 5
        (Get-CcPlan -Path $Csv @to).Updates | Should -Be 150
        { Invoke-CcExport -Plan $plan.Id -ErrorAction Stop } | Should -Throw -ErrorId 'PlanDiscarded,*'
    }

    It 'shows a table and a list' {
        $plan = Get-CcPlan Planned
        ($plan | Format-Table | Out-String -Width 200) | Should -Match 'Planned\s+150\s+0\s+150'
        ($plan | Format-List | Out-String) | Should -Match 'FinishesOn\s+: \d{4}-\d\d-\d\d'
    }

    It 'completes plans' {
        $plan = Get-CcPlan Planned
        (TabExpansion2 'Invoke-CcExport -Plan ').CompletionMatches.CompletionText | Should -Contain "$($plan.Id)"
    }
}

Describe 'A plan' {
    It 'is refused when its export has changed, and goes on to the next' {
        $plan = Get-CcPlan Planned
        Set-CcExport Planned -BatchSize 100
        $run = $plan.Id, (Get-CcPlan -Path $Csv -Connection Simulator -ListId $Simulator.ListId -Map @{ email = 'EMail' }).Id | Invoke-CcExport -ErrorVariable problems -ErrorAction SilentlyContinue
        $problems[0].FullyQualifiedErrorId | Should -BeLike 'PlanDefinitionMoved,*'
        $run.Status | Should -Be 'Completed'
    }

    It 'is refused when there is none, and when it has been run' {
        { Invoke-CcExport -Plan 4711 -ErrorAction Stop } | Should -Throw -ErrorId 'PlanNotFound,*'
        $plan = Get-CcPlan Planned
        $null = $plan | Invoke-CcExport
        { $plan | Invoke-CcExport -ErrorAction Stop } | Should -Throw -ErrorId 'PlanUsed,*'
    }

    It 'is discarded by Stop-CcRun, and sends nothing with -WhatIf' {
        $plan = Get-CcPlan Planned
        $plan | Invoke-CcExport -WhatIf | Should -BeNullOrEmpty
        (Get-CcRun $plan.Id).Status | Should -Be 'Queued'
        (Stop-CcRun $plan.Id).Status | Should -Be 'Canceled'
        { $plan | Invoke-CcExport -ErrorAction Stop } | Should -Throw -ErrorId 'PlanDiscarded,*'
    }
}

Describe 'The guard' {
    BeforeAll { Set-People 60 }
    AfterAll { Set-People 150 }

    It 'warns in a plan, stops it, and lets it go with -Force' {
        $plan = Get-CcPlan Planned -WarningAction SilentlyContinue
        $plan.Warnings | Should -BeLike '*Only 60 profiles*'
        { $plan | Invoke-CcExport -ErrorAction Stop } | Should -Throw -ErrorId 'GuardSmaller,*'
        $run = $plan | Invoke-CcExport -Force -WarningAction SilentlyContinue
        $run.Status, $run.Sent | Should -Be 'Completed', 60
        $run.Message | Should -BeLike '*overridden with -Force*'
    }

    It 'stops a run that adds more than -MaxGrowth' {
        Set-People 200
        Set-CcExport Planned -MaxGrowth 0.1
        $run = Invoke-CcExport Planned -ErrorVariable problems -ErrorAction SilentlyContinue
        $problems[0].FullyQualifiedErrorId | Should -BeLike 'RunFailed,*'
        $run.Status, $run.Sent | Should -Be 'Failed', 0
        $run.Message | Should -BeLike '*50 contacts to a list of 150*'
        (Invoke-CcExport Planned -MaxGrowth 0.5).Accepted | Should -Be 200
    }
}
